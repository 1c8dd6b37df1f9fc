"""The table of what can be done with an item: code for a cell, a request, or text to copy.

`{name}` and the like stand for an item's fields: see `item.name_fields`. What stands in « » is for
the user to fill in: the cell is not run then, and the first such word is selected.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with an item."""

    id: str
    label: str
    code: str = ""
    """The cell's text; empty where it is asked for with `cell`, or nothing of a cell is needed."""
    cell: str = ""
    """Of the request `cell`: what to write."""
    icon: str = ""
    """Shown beside the item; the others are in its menu."""
    copy: str = ""
    """Text for the clipboard, instead of a cell."""
    request: str = ""
    """A request to the kernel, instead of a cell."""
    ask: str = ""
    """What to ask the user for, with `{raw}` as it is: the request's `text`."""
    confirm: str = ""
    """What is asked before it is done. Of a deletion the kernel says what would be lost."""
    apart: bool = False
    """Whether a line is drawn above it in the menu."""


def _delete(what: str) -> Action:
    return Action("delete", "Delete…", request="delete", confirm=what, apart=True)


def _copy(text: str, what: str = "name") -> Action:
    return Action("copy", f"Copy its {what}", copy=text, apart=True)


_IMPORT = "from mixpeek_lab import current_lab\n\n"
_CHECKOUT = "%extractor checkout {name}"

ACTIONS: dict[str, tuple[Action, ...]] = {
    "extractors": (
        Action("show", "Show its card", "%extractor show {name}", icon="show"),
        Action("test", "Test it", "%extractor test {name}", icon="run"),
        Action("lint", "Check it", "%extractor lint {name}"),
        Action("edit", "Write it into a cell", cell="extractor"),
        Action("process", "Run it on a bucket…", "%process «bucket» {name}"),
        Action("deploy", "Deploy its service", "%extractor deploy {name}"),
        Action("log", "Show its versions", "%extractor log {name}", apart=True),
        Action("diff", "Show what changed", "%extractor diff {name}"),
        Action("commit", "Commit a version…", '%extractor commit {name} -m "«what changed»"'),
        Action("checkout", "Go back to a version…", f"{_CHECKOUT} «version»"),
        Action("tag", "Tag its last version…", "%extractor tag {name} «tag»"),
        Action("save", "Save it as a package", "%extractor save {name}", apart=True),
        Action("pack", "Export it as a .zip", "%extractor pack {name}"),
        Action("dockerfile", "Show a Dockerfile for it", "%extractor dockerfile {name}"),
        _copy("{raw}"),
        _delete("The extractor is deleted with all its versions."),
    ),
    "versions": (
        Action("diff", "Compare it with the working state", "%extractor diff {name} {version}",
               icon="show"),
        Action("checkout", "Go back to it", f"{_CHECKOUT} {{version}}", icon="run"),
        Action("show", "Show its card", "%extractor show {reference}"),
        Action("edit", "Write it into a cell", cell="extractor"),
        Action("process", "Run it on a bucket…", "%process «bucket» {reference}"),
        Action("deploy", "Deploy its service", "%extractor deploy {reference}"),
        Action("tag", "Tag it…", "%extractor tag {name} «tag» {version}"),
        Action("pack", "Export it as a .zip", "%extractor pack {reference} {reference}.zip"),
        _copy("{reference}"),
        _delete("The version is deleted; the others stay."),
    ),
    "buckets": (
        Action("show", "Show it", "%bucket {name}", icon="show"),
        Action("process", "Run an extractor on it…", "%process {name} «extractor»", icon="run"),
        Action(
            "explore",
            "Explore its objects",
            "%%explore\nSELECT o.* FROM objects o JOIN buckets b USING (bucket_id)\n"
            "WHERE b.name = {sql}",
        ),
        Action(
            "query",
            "Query its objects",
            "%%inspect\nSELECT o.* FROM objects o JOIN buckets b USING (bucket_id)\n"
            "WHERE b.name = {sql} LIMIT 20",
        ),
        Action("add", "Add to it…", "%bucket {name} «frame_or_folder» --append"),
        Action("rename", "Rename…", request="rename", ask="Its new name", apart=True),
        _copy("{raw}"),
        _delete("The bucket is deleted with its objects."),
    ),
    "collections": (
        Action("explore", "Explore its documents", "%explore {table}", icon="show"),
        Action(
            "update",
            "Bring it up to date",
            "%process {sources} {extractor} --into {name}",
            icon="run",
        ),
        Action("inspect", "Look at its first documents", "%inspect {table}"),
        Action("map", "Map its vectors", "%embedding_map {name}"),
        Action("retriever", "Define a retriever on it…", cell="draft"),
        Action("process", "Run an extractor on its documents…", "%process {name} «extractor»"),
        Action("show", "Show what it is made of", "%collection {name}"),
        Action(
            "query",
            "Query it with SQL",
            "%%inspect\nSELECT * FROM {identifier} LIMIT 20",
            apart=True,
        ),
        Action("frame", "Take it as a DataFrame",
               "%%inspect --df frame\nSELECT * FROM {identifier}"),
        Action(
            "export",
            "Export it as Parquet…",
            f"{_IMPORT}current_lab().sql({{select}}).to_pandas().to_parquet("
            '"«{raw}.parquet»")',
        ),
        _copy("{raw}"),
        _delete("The collection is deleted with its documents."),
    ),
    "runs": (
        Action("stop", "Stop it", request="stop", icon="stop"),
        Action(
            "failures",
            "Show what failed",
            "%inspect SELECT kind, step, message, place FROM failures WHERE run_id = '{key}'",
            icon="show",
        ),
        Action(
            "again",
            "Run it again",
            "%process {sources} {extractor} --into {name}",
            icon="run",
        ),
        Action("explore", "Explore its collection", "%explore {table}"),
        Action("query", "Query the runs", "%%inspect\nSELECT * FROM runs WHERE run_id = '{key}'"),
        _copy("{key}", "id"),
    ),
    "retrievers": (
        Action("playground", "Open the playground", "%playground {name}", icon="run"),
        Action("show", "Show it", "%retriever {name}", icon="show"),
        Action("search", "Search…", "%search {name} «words»"),
        Action("evaluate", "Evaluate it…", "%evaluate {name} «qrels»"),
        Action("edit", "Write it into a cell", cell="retriever"),
        Action("serve", "Serve it over HTTP", f"{_IMPORT}current_lab().serve({{python}})"),
        Action("export", "Show its JSON", "%retriever export {name}", apart=True),
        Action("save", "Export its JSON…", '%retriever export {name} "«{raw}.json»"'),
        _copy("{raw}"),
        _delete("The retriever is deleted. What it searches stays."),
    ),
    "endpoints": (
        Action("url", "Copy its address", copy="{url}", icon="copy"),
        Action(
            "ask",
            "Ask it from Python…",
            f'{_IMPORT}current_lab().infer({{python_reference}}, {{{{"text": "«some text»"}}}})',
        ),
        Action("status", "Show what runs", "%lab status", icon="show"),
        Action("deploy", "Deploy it again", "%extractor deploy {reference}"),
        Action("reference", "Copy its name and version", copy="{reference}"),
        Action(
            "undeploy",
            "Take it down…",
            request="undeploy",
            confirm="Nobody can ask it over HTTP any more. Its code stays, and can be deployed "
            "again.",
            apart=True,
        ),
        Action(
            "stop",
            "Stop Ray and the endpoint…",
            "%lab stop",
            confirm="Ray, the endpoint and all services stop. What is on disk stays, and "
            "%lab start starts them again.",
            apart=True,
        ),
    ),
}  # fmt: skip
"""Section, or list of parts → its actions, the most used first."""

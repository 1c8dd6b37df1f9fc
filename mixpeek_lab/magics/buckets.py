"""`%bucket` and `%process`: data in, documents out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import InvalidInputError, nearest
from mixpeek_lab.magics.collections import delete
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import pairs, read_options
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.missing import absolute, near

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import BucketCard, BucketList, RunCard

_VALUE = re.compile(
    r"""\s*(?P<name>[^\s'"]+)\s+(?P<value>\[.*\]|\{.*\}|\w+(?:\.\w+)*\(.*\))\s*$""", re.DOTALL
)
"""A list, a dictionary or a call where a source's name belongs."""


@magics_class
class BucketMagics(Magics):
    """`%bucket` and `%process`."""

    @explained()
    @argument("name", nargs="?", help="the bucket's name; or delete")
    @argument(
        "source",
        nargs="?",
        help="a variable (DataFrame, list), folder, glob, file or URL. delete: the bucket",
    )
    @argument("object_id", nargs="?", help="delete: one object of the bucket alone")
    @argument(
        "--text", action="append", metavar="COLUMN",
        help="column that holds the text (default: the first of text, content, body, data); may be"
        " given again",
    )  # fmt: skip
    @argument(
        "--blob",
        action="append",
        metavar="COLUMN[:NAME]",
        help="column with paths or URLs of files, and the blob's name; may be given again",
    )
    @argument("--key", metavar="COLUMN", help="column that identifies a row across uploads")
    @argument(
        "--append",
        action="store_true",
        help="keep objects that the source lacks (default: they go)",
    )
    @line_magic
    @tells_errors
    def bucket(self, line: str) -> BucketCard | BucketList | None:
        """Make a bucket from what you have, or show those there are.

        %bucket docs frame --text body        a DataFrame, a list of strings or of dicts
        %bucket notes ~/notes/**/*.md         files, one object each
        %bucket films films.parquet           a table; JSONL and CSV as well
        %bucket photos ~/photos               images, audio, video, PDF and text, told by content
        %bucket photos s3://my-bucket/2024/   the objects below a prefix; gs:// as well
        %bucket shop frame --blob url:image   a column of paths or URLs
        %bucket docs                          show it
        %bucket                               all of them
        %bucket delete docs                   with its objects; refused where a collection needs it
        %bucket delete docs OBJECT_ID         one object

        A processor finds the URL of a file in batch["data"], and opens it with open_asset.
        """
        from mixpeek_lab.widgets.cards import BucketCard, BucketList

        _demand_no_value(line)
        options = read_options(self.bucket, line)
        lab = current_lab()
        if options.name == "delete":
            delete("bucket", options.source or "", "object", options.object_id or "")
            return None
        if options.source is None and (asked := _asked(options)):
            raise InvalidInputError(
                f"{asked} says how to read a source: %bucket NAME SOURCE {asked}"
            )
        if options.name is None:
            return BucketList(lab.buckets())
        if options.object_id:
            raise InvalidInputError(f"%bucket NAME SOURCE: what is {options.object_id!r} for?")
        if options.source is None:
            return BucketCard(lab.bucket(options.name))
        return BucketCard(
            lab.bucket(
                options.name,
                self._source(options.source),
                text=options.text,
                blobs=_blobs(options.blob),
                key=options.key,
                mode="append" if options.append else "replace",
            )
        )

    @explained()
    @argument("source", nargs="+", help="the bucket to read, or several; or a collection")
    @argument("extractor", help="the extractor to run")
    @argument("--into", metavar="NAME", help="the collection's name (default: BUCKET_EXTRACTOR)")
    @argument(
        "--param", action="append", default=[], metavar="KEY=VALUE",
        help="a parameter of the extractor; may be given again",
    )  # fmt: skip
    @argument(
        "--analyzer", metavar="NAME",
        help="text analysis of the BM25 index: plain, german, … (default: english)",
    )  # fmt: skip
    @argument(
        "--index",
        action="append",
        default=[],
        metavar="FEATURE=KIND",
        help="index of a vector: flat (exact; the default), hnsw, ivf; may be given again",
    )
    @argument(
        "--field", action="append", metavar="NAME",
        help="of a bucket's blobs or of documents, read this one (default: all blobs; of documents"
        " the field data); may be given again",
    )  # fmt: skip
    @argument(
        "--engine", choices=["ray", "kernel"],
        help="where the steps run (default: ray where 4 GB of memory are free for it, else kernel)",
    )  # fmt: skip
    @argument("--force", action="store_true", help="compute what has not changed as well")
    @line_magic
    @tells_errors
    def process(self, line: str) -> RunCard:
        """Run a bucket through an extractor into a collection; only what changed is computed.

        %process docs my_extractor                    into the collection docs_my_extractor
        %process docs my_extractor --into docs_v2     into another
        %process docs my_extractor --param size=3     with a parameter of the extractor
        %process docs my_extractor --index vec=hnsw   with another index for a vector
        %process docs mails my_extractor              several buckets into one collection
        %process docs_my_extractor summarizer         a collection's documents into another
        %process frames describer --field caption     another field of theirs than `data`

        A collection that is made of another follows whenever that one is processed: documents that
        did not change are not computed again. lab.lineage says what is made of what.
        Interrupting the kernel stops the run; the collection keeps what it had.
        """
        from mixpeek_lab.magics.run import run_live

        options = read_options(self.process, line)
        return run_live(
            current_lab(),
            options.source,
            options.extractor,
            options.into,
            f"%process {line}",
            parameters=pairs(options.param) or None,
            analyzer=options.analyzer,
            indexes=pairs(options.index) or None,
            engine=options.engine,
            force=options.force,
            fields=options.field,
        )

    def _source(self, name: str) -> Any:
        """The variable of that name, else the name as a path."""
        if name in self.shell.user_ns:
            return self.shell.user_ns[name]
        if name.isidentifier() and not Path(name).exists():
            names = [known for known in self.shell.user_ns if not known.startswith("_")]
            close = nearest(name, names)
            hint = f"Did you mean the variable {close}?" if close else near(absolute(name))
            raise InvalidInputError(
                f"There is no variable {name!r}, nor a file or folder {absolute(name)}. {hint}"
            )
        return name


def _demand_no_value(line: str) -> None:
    """InvalidInputError for a list or call in place of a variable's name: words split at spaces."""
    if found := _VALUE.match(line):
        name = found["name"]
        raise InvalidInputError(
            f"A value does not fit into the line. Give it a name first: "
            f"`rows = {found['value']}`, then `%bucket {name} rows`."
        )


def _asked(options: Any) -> str:
    """The first option that is given, of those that are about a source."""
    given = {"--text": options.text, "--blob": options.blob, "--key": options.key,
             "--append": options.append}  # fmt: skip
    return next((name for name, value in given.items() if value), "")


def _blobs(options: list[str] | None) -> dict[str, str] | None:
    """`COLUMN` and `COLUMN:NAME` as name → column."""
    if not options:
        return None
    found: dict[str, str] = {}
    for option in options:
        column, _, name = option.partition(":") if ":" in option else (option, "", option)
        if not column or not name:
            raise InvalidInputError(f"--blob {option}: write COLUMN or COLUMN:NAME.")
        if name in found:
            raise InvalidInputError(f"--blob: two columns are called {name!r}. Name one otherwise.")
        found[name] = column
    return found

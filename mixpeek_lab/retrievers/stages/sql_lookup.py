"""`sql_lookup`: what a database says of each document, in a field of it. Values are bound."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from mixpeek_lab.errors import InvalidInputError, RetrieverError
from mixpeek_lab.filters import has_template
from mixpeek_lab.models import JSON, Hit
from mixpeek_lab.retrievers.bodies import MOST_NAMED, FieldPath
from mixpeek_lab.retrievers.plain import plain
from mixpeek_lab.retrievers.stages.conditions import chosen, replaced
from mixpeek_lab.retrievers.stages.documents import seen_by_templates, with_field
from mixpeek_lab.retrievers.stages.stage import Outcome, Stage, StageContext, StageParameters

_PIECES = re.compile(
    r"(?P<text>'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)|\$\$.*?(?:\$\$|\Z)|::)"
    r"|(?P<place>(?<![\w\])}])[:$](?P<name>[A-Za-z_]\w*)|\$(?P<number>\d+)|\?)",
    re.DOTALL,
)
"""Texts, comments and casts, that are left alone; and placeholders: `:name`, `$name`, `$1`, `?`."""

_DIGITS = 4
"""Of a place's number: there are not so many values."""


class SQLLookupParameters(StageParameters):
    """The parameters of `sql_lookup`, with Mixpeek's defaults."""

    connection_id: str = Field("lab", min_length=1)
    """`lab`, whose tables are the collections, or a database that was set up under that name."""
    query: str = Field(min_length=1, max_length=20_000)
    """One SELECT, with `:name`, `$name` or `$1` for each value."""
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=MOST_NAMED)
    """The values by name, with templates: `{"sku": "{{DOC.sku}}"}`. `$1` is the first of them."""
    output_field: FieldPath = "sql_result"
    result_handling: Literal["first", "all", "error_if_empty", "error_if_multiple"] = "first"
    """The first row as an object, or all of them as a list."""
    on_no_results: Literal["null", "skip", "error"] = "null"
    timeout: float = Field(30, gt=0, le=300)
    """Seconds for the rows of one document."""
    when: dict[str, Any] | None = None
    """A filter: the other documents pass unchanged."""
    on_error: Literal["skip", "remove", "raise"] = "skip"
    """Of a document whose values are missing, or that has no rows where it should: it passes
    unchanged, with a warning, it is left out, or the search fails. A query that does not run at all
    always fails."""

    @field_validator("query")
    @classmethod
    def _is_constant(cls, query: str) -> str:
        if has_template(query):
            raise ValueError(
                "a template would become part of the SQL. Write :name in the query, and "
                "parameters: {name: '{{DOC.field}}'}"
            )
        return query


def run(hits: Sequence[Hit], parameters: SQLLookupParameters, context: StageContext) -> Outcome:
    """Ask once for each different set of values."""
    sql, names = placed(parameters.query, list(parameters.parameters), context.stage)
    about = chosen(hits, parameters.when, context)
    values: dict[str, list[JSON]] = {}
    problems: dict[str, str] = {}
    for hit in about:
        try:
            values[hit.document_id] = _values(hit, names, parameters, context)
        except InvalidInputError as error:
            problems[hit.document_id] = str(error)
    different = {_key(each): each for each in values.values()}
    asked = list(different.values())
    context.few_enough(len(asked), "queries")
    found = (
        context.reach.sql(parameters.connection_id, sql, asked, parameters.timeout) if asked else ()
    )
    rows = dict(zip(different, found, strict=True))
    changed: dict[str, Hit | None] = {}
    for hit in about:
        if hit.document_id not in values:
            continue
        own = rows[_key(values[hit.document_id])]
        problem = _problem(own, parameters)
        if problem:
            problems[hit.document_id] = problem
        elif own or parameters.on_no_results == "null":
            value = _result(own, parameters)
            changed[hit.document_id] = with_field(hit, parameters.output_field, value, context)
    return _outcome(hits, changed, problems, parameters, context)


def placed(query: str, given: Sequence[str], stage: str) -> tuple[str, list[str]]:
    """The query with `?` in each place, and the name of the value there.

    RetrieverError for a place without a value.
    """
    names: list[str] = []
    where = f"stage {stage!r}, query"

    def place(found: re.Match[str]) -> str:
        if found["text"]:
            return found[0]
        number = found["number"] or (str(len(names) + 1) if found[0] == "?" else None)
        is_long = number is not None and len(number) > _DIGITS
        if number is not None and (is_long or not 1 <= int(number) <= len(given)):
            raise RetrieverError(
                f"{where}: {found[0][:20]} has no value; parameters has {len(given)}."
            )
        name = found["name"] or given[int(number or 1) - 1]
        if name not in given:
            told = ", ".join(given) or "none"
            raise RetrieverError(f"{where}: {found[0]} is not among the parameters ({told}).")
        names.append(name)
        return "?"

    return _PIECES.sub(place, query), names


def _values(
    hit: Hit, names: Sequence[str], parameters: SQLLookupParameters, context: StageContext
) -> list[JSON]:
    document = seen_by_templates(hit)
    given = {
        name: plain(context.render(value, f"parameters.{name}", document))
        for name, value in parameters.parameters.items()
    }
    return [given[name] for name in names]


def _key(values: Sequence[JSON]) -> str:
    return json.dumps(values, sort_keys=True)


def _problem(rows: Sequence[Mapping[str, JSON]], parameters: SQLLookupParameters) -> str | None:
    needs_rows = "error" in (parameters.on_no_results,) or (
        parameters.result_handling == "error_if_empty"
    )
    if not rows and needs_rows:
        return "the query gave no rows"
    if len(rows) > 1 and parameters.result_handling == "error_if_multiple":
        return f"the query gave {len(rows)} rows where one is expected"
    return None


def _result(rows: Sequence[Mapping[str, JSON]], parameters: SQLLookupParameters) -> JSON:
    if parameters.result_handling == "all":
        return plain(list(rows))
    return plain(rows[0]) if rows else None


def _outcome(
    hits: Sequence[Hit],
    changed: dict[str, Hit | None],
    problems: Mapping[str, str],
    parameters: SQLLookupParameters,
    context: StageContext,
) -> Outcome:
    if not problems:
        return Outcome(replaced(hits, changed))
    document, why = next(iter(problems.items()))
    if parameters.on_error == "raise":
        raise RetrieverError(f"stage {context.stage!r}, document {document}: {why}")
    if parameters.on_error == "remove":
        changed |= dict.fromkeys(problems)
    told = f"Stage {context.stage!r}: {len(problems)} documents got nothing. The first: {why}"
    return Outcome(replaced(hits, changed), warnings=(told,))


STAGE = Stage(
    "sql_lookup",
    "Ask a database about each document, with bound values, and keep the rows in a field.",
    SQLLookupParameters,
    run,
    names={
        "connection": "connection_id",
        "result_field": "output_field",
        "sql": "query",
    },
    templates=("query", "parameters"),
    fields=("when",),
    icon="database",
)

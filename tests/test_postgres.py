"""sql_lookup on a real PostgreSQL server: bound values, reading only, in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import MISSING, OWNER_PASSWORD, postgres_server

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.databases import MOST_ROWS, Databases
from mixpeek_lab.errors import EngineError, InvalidInputError, MissingDependencyError
from mixpeek_lab.inspection import Inspector
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers import Reach, parse_retriever
from mixpeek_lab.retrievers.stages import AVAILABLE, Outcome, StageContext

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

TABLES = """
CREATE TABLE stock (sku text, n integer, price numeric, at timestamptz, tags text[], meta jsonb,
                    raw bytea, big bigint, ratio double precision, ok boolean);
INSERT INTO stock VALUES
  ('a', 1, 2.50, '2024-01-02T03:04:05Z', '{x,y}', '{"k": [1]}', '\\x00ff', 9007199254740993, 0.5, true),
  ('b', 2, 'NaN', NULL, NULL, NULL, NULL, NULL, 'Infinity', NULL),
  ('%s ? $1 '';--', 3, 7, NULL, '{}', '{}', NULL, 1, 1, false);
CREATE ROLE reader LOGIN PASSWORD 'reader-secret';
GRANT SELECT ON stock TO reader;
CREATE SEQUENCE counter; GRANT USAGE, UPDATE ON SEQUENCE counter TO reader;
CREATE TABLE open_to_all (x int); GRANT ALL ON open_to_all TO reader; GRANT CREATE ON SCHEMA public TO reader;
"""  # noqa: E501


@pytest.fixture(scope="module")
def owner() -> Iterator[str]:
    with postgres_server() as url:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(TABLES)
        yield url


@pytest.fixture
def ask(owner: str, tmp_path: Path) -> Any:
    """`ask(sql, values…)`: the rows for the values, as the role `reader`."""
    url = owner.replace(f"owner:{OWNER_PASSWORD}", "reader:reader-secret")
    settings = {"MIXPEEK_LAB_SQL_STOCK": url, "MIXPEEK_LAB_SQL_OWNER": owner,
                "MIXPEEK_LAB_SQL_WRONG": url.replace("reader-secret", "not-it"),
                "MIXPEEK_LAB_SQL_GONE": "postgres://x:y@127.0.0.1:9/z"}  # fmt: skip
    inspector = Inspector(Catalog(tmp_path / "catalog.sqlite"), tmp_path)
    databases = Databases(inspector, settings.get)

    def asked(sql: str, *values: Any, on: str = "stock", seconds: float = 10) -> Any:
        return databases.query(on, sql, [list(values)], seconds)[0]

    asked.databases = databases  # type: ignore[attr-defined]
    return asked


def test_values_are_bound_by_the_server(ask: Any) -> None:
    odd = "%s ? $1 ';--"
    assert ask("SELECT n FROM stock WHERE sku = ?", odd) == [{"n": 3}]
    assert ask("SELECT n FROM stock WHERE sku = ? OR n = ? ORDER BY n", "a", 2) == [
        {"n": 1}, {"n": 2}
    ]  # fmt: skip
    assert ask("SELECT n FROM stock WHERE sku = ?", "x' OR '1'='1") == []
    assert ask("SELECT n FROM stock WHERE sku = ANY(?) ORDER BY n", ["a", "b"]) == [
        {"n": 1}, {"n": 2}
    ]  # fmt: skip
    assert ask("SELECT n FROM stock WHERE meta @> ?", {"k": [1]}) == [{"n": 1}]
    texts = (
        "SELECT '?' AS q, E'\\'?' AS e, $x$?$x$ AS d, n % 2 AS \"?\" FROM stock WHERE n = ? -- ?"
    )
    assert ask(texts, 3) == [{"q": "?", "e": "'?", "d": "?", "?": 1}]
    assert ask("SELECT ?::int IS NULL AS none, ?::bool AS yes;", None, True) == [
        {"none": True, "yes": True}
    ]


def test_values_come_back_as_json_has_them(ask: Any) -> None:
    [first] = ask("SELECT * FROM stock WHERE sku = 'a'")
    assert first.pop("at").isoformat().startswith("2024-01-02T")
    assert first == {"sku": "a", "n": 1, "price": 2.5, "tags": ["x", "y"], "meta": {"k": [1]},
                     "raw": "00ff", "big": 9007199254740993, "ratio": 0.5, "ok": True}  # fmt: skip
    assert ask("SELECT price FROM stock WHERE sku = 'b'") == [{"price": None}]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO open_to_all VALUES (1)", "DELETE FROM open_to_all", "DROP TABLE open_to_all",
        "CREATE TABLE mine (x int)", "SELECT 1 AS x INTO mine", "SET transaction_read_only = off",
        "WITH x AS (INSERT INTO open_to_all VALUES (1) RETURNING x) SELECT * FROM x",
        "SELECT nextval('counter')", "SELECT set_config('transaction_read_only', 'off', true)",
        "COPY stock TO '/tmp/mixpeek-lab-copied'", "SELECT 1) AS a; DROP TABLE open_to_all; --",
        "SELECT 1; SELECT 2", "COMMIT", "BEGIN", "SHOW ALL", "EXPLAIN SELECT 1", "CALL x()",
        "SELECT * FROM pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid", "SELECT * FROM stock FOR UPDATE", "", ";", "-- x",
        "SELECT nothing", "SELECT 1 AS a, 2 AS a", "SELECT '9999999-01-01'::date AS d",
        "SELECT 1/0 AS x",
    ],
)  # fmt: skip
def test_what_is_no_reading_query_is_refused(ask: Any, owner: str, sql: str) -> None:
    with pytest.raises(InvalidInputError, match="SQL connection 'stock': "):
        ask(sql)
    with psycopg.connect(owner) as database:
        assert database.execute("SELECT count(*) FROM open_to_all").fetchone() == (0,)
        assert database.execute("SELECT to_regclass('mine')").fetchone() == (None,)
        assert database.execute("SELECT is_called FROM counter").fetchone() == (False,)


@pytest.mark.parametrize("values", [[1], [], ["a\0b"], [10**30], [{"a": 1}]])
def test_values_that_do_not_fit(ask: Any, values: list[Any]) -> None:
    with pytest.raises(InvalidInputError, match="SQL connection 'stock': "):
        ask("SELECT n FROM stock WHERE sku = ?", *values)


def test_one_that_takes_too_long_ends(ask: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(EngineError, match=r"no answer within 0.3 s"):
        ask("SELECT pg_sleep(20)", seconds=0.3)
    with pytest.raises(EngineError, match=r"no answer within 0.3 s"):
        ask("SELECT count(*) FROM generate_series(1, 100000000000)", seconds=0.3)
    assert time.monotonic() - begun < 5


def test_too_many_rows(ask: Any) -> None:
    many = "SELECT n FROM generate_series(1, ?) AS n"
    assert len(ask(many, MOST_ROWS)) == MOST_ROWS
    with pytest.raises(InvalidInputError, match=f"more than {MOST_ROWS} rows"):
        ask("SELECT n FROM generate_series(1, 20000) AS n")


def test_who_may_not_ask(ask: Any) -> None:
    with pytest.raises(InvalidInputError, match="'owner' is a superuser's"):
        ask("SELECT 1", on="owner")
    with pytest.raises(EngineError, match="'wrong' does not open") as refused:
        ask("SELECT 1", on="wrong")
    assert "not-it" not in str(refused.value)
    with pytest.raises(EngineError, match="'gone' does not open"):
        ask("SELECT 1", on="gone")


def test_without_the_library(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"mixpeek-lab\[postgres\]"):
        ask("SELECT 1")


def test_the_stage_asks_it(ask: Any) -> None:
    hits = [Hit(f"d{i}", "c", i, 1.0, {"sku": sku}, {}) for i, sku in enumerate("abz")]
    given = {"connection": "stock", "query": "SELECT n, price FROM stock WHERE sku = :sku",
             "parameters": {"sku": "{{DOC.sku}}"}}  # fmt: skip
    body = {"name": "r", "collection": "c", "searches": [{"lexical": True}],
            "stages": [{"sql_lookup": given}]}  # fmt: skip
    [spec] = parse_retriever(body).stages
    context = StageContext("mine", {}, "q", lambda *_: [], {}, Reach(sql=ask.databases.query))
    found: Outcome = AVAILABLE["sql_lookup"].run(hits, spec.parameters, context)
    assert [h.fields["sql_result"] for h in found.hits] == [
        {"n": 1, "price": 2.5}, {"n": 2, "price": None}, None
    ]  # fmt: skip

"""api_call and sql_lookup: what they answer against an oracle, and what they refuse."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb
import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab.assets import HTTPAnswer, HTTPRequest
from mixpeek_lab.databases import MOST_ROWS
from mixpeek_lab.errors import EngineError, InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.models import Hit, SearchResult
from mixpeek_lab.retrievers import Reach, parse_retriever, stage_definitions
from mixpeek_lab.retrievers.bodies import checked
from mixpeek_lab.retrievers.stages import AVAILABLE, FIRST, OFF, STAGES, Outcome, StageContext
from mixpeek_lab.retrievers.stages.sql_lookup import placed
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.workbench import Lab

SECRET = "s3cret/va lue"
ROWS = [
    {"_id": f"r{i:02}", "text": f"river boat {i}", "sku": f"s{i % 7}", "n": i,
     "path": ["a b", "../admin", "x?y=1#z", "é"][i % 4]}
    for i in range(20)
]  # fmt: skip
STOCK = [(f"s{i}", i * 3, f"shelf {i}") for i in range(5)] + [("s1", 99, "shelf 99")]


class Echo(BaseHTTPRequestHandler):
    """`/echo/…` says what it was asked; other paths misbehave."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode() if length else None
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        status, headers = 200, {"Content-Type": "application/json"}
        answer: Any = {
            "method": self.command, "path": unquote(url.path), "query": parse_qs(url.query),
            "body": json.loads(sent) if sent else None,
            "headers": {k.lower(): v for k, v in self.headers.items()},
        }  # fmt: skip
        if url.path == "/moved":
            status, headers["Location"] = 302, "/echo/there"
        if url.path == "/broken":
            status = 500
        body = b"plain text" if url.path == "/text" else json.dumps(answer).encode()
        if url.path == "/large":
            body = b"x" * 5000
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    made.daemon_threads, made.seen = True, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def url(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's, which this process may call."""
    monkeypatch.setenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", "127.0.0.1")
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("outside") / "home")
    assert made.load(HASH_EMBEDDER).is_kept
    made.bucket("b", ROWS)
    made.process("b", "hash_embedder", "docs", engine="kernel")
    return made


def found(lab: Lab, stage: Mapping[str, Any], query: Any = "river boat") -> SearchResult:
    searches = [{"feature": "hash_embedding"}]
    return lab.search(
        {"name": "r", "collection": "docs", "searches": searches, "stages": [stage]}, query
    )


def run(stage_id: str, hits: Sequence[Hit], reach: Reach, **given: Any) -> Outcome:
    stage = AVAILABLE[stage_id]
    parameters = checked(stage.parameters, given, stage_id, stage.names)
    return stage.run(hits, parameters, StageContext("mine", {"q": "x"}, "x", _nobody, {}, reach))


def _nobody(*_: Any) -> Any:
    raise AssertionError("no extractor is asked here")


# ---------------------------------------------------------------- every stage is there


def test_every_stage_of_the_contract_is_in_the_table() -> None:
    """The list of the public contract, category by category."""
    contract = {
        "feature_search", "attribute_filter", "llm_filter", "query_expand", "sort_relevance",
        "sort_attribute", "mmr", "rerank", "score_normalize", "aggregate", "sample", "summarize",
        "limit", "deduplicate", "group_by", "cluster", "json_transform", "rag_prepare", "api_call",
        "sql_lookup", "unwind", "code_execution", "web_scrape", "external_web_search", "classify",
        "llm_enrich", "taxonomy_enrich", "document_enrich", "agentic_enrich",
    }  # fmt: skip
    assert {stage_id for ids in STAGES.values() for stage_id in ids} == contract
    assert set(OFF) == {"code_execution", "web_scrape", "external_web_search"}
    assert contract == {FIRST, *AVAILABLE, *OFF}
    assert {each["stage_id"] for each in stage_definitions()} == contract


# ---------------------------------------------------------------- api_call


def test_each_document_gets_its_own_answer(lab: Lab, url: str) -> None:
    stage = {
        "url": url + "/echo/{DOC.path}?q={{INPUT.query}}&n={{DOC.n}}", "method": "POST",
        "headers": {"X-Own": "{{DOC.sku}}"}, "body": {"text": "{DOC.data}", "n": "{{DOC.n}}"},
        "output_field": "api.answer",
    }  # fmt: skip
    hits = found(lab, {"api_call": stage}, {"query": "a&b=c"}).hits
    assert len(hits) == 20
    for document in hits:
        fields, told = document.fields, document.fields["api"]["answer"]
        assert told["path"] == f"/echo/{fields['path']}"
        assert told["query"] == {"q": ["a&b=c"], "n": [str(fields["n"])]}
        assert told["body"] == {"text": fields["data"], "n": fields["n"]}
        assert (told["method"], told["headers"]["x-own"]) == ("POST", fields["sku"])


def test_equal_calls_are_one(lab: Lab, url: str, server: Any) -> None:
    server.seen.clear()
    part = found(lab, {"api_call": {"url": url + "/echo/{DOC.sku}", "response_path": "$.path"}})
    assert {h.fields["api_response"] for h in part.hits} == {f"/echo/s{i}" for i in range(7)}
    assert sorted(server.seen) == [f"/echo/s{i}" for i in range(7)]


@pytest.mark.parametrize(
    ("path", "more", "told"),
    [
        ("/broken", {}, "answered 500"),
        ("/moved", {}, "answered 302. Redirects are not followed"),
        ("/large", {"max_response_size": 1000}, "larger than 1,000 bytes"),
        ("/text", {"response_path": "$.a"}, "did not answer with JSON"),
        ("/echo/{DOC.nothing}", {}, "asks for 'nothing'"),
    ],
)
def test_failures_are_told_skipped_removed_or_raised(
    lab: Lab, url: str, path: str, more: dict[str, Any], told: str
) -> None:
    stage = {"url": url + path, **more}
    skipped = found(lab, {"api_call": stage})
    assert len(skipped.hits) == 20
    assert all("api_response" not in h.fields for h in skipped.hits)
    [warning] = skipped.warnings
    assert "20 of 20 calls failed" in warning
    assert told in warning
    assert found(lab, {"api_call": {**stage, "on_error": "remove"}}).hits == ()
    with pytest.raises(RetrieverError, match=r"stage 'api_call', document doc_"):
        found(lab, {"api_call": {**stage, "on_error": "raise"}})


def test_when_leaves_the_others_alone(lab: Lab, url: str, server: Any) -> None:
    server.seen.clear()
    stage = {"url": url + "/text", "when": {"field": "n", "operator": "lt", "value": 3}}
    hits = found(lab, {"api_call": stage}).hits
    assert {h.fields["n"] for h in hits if h.fields.get("api_response") == "plain text"} == {
        0,
        1,
        2,
    }
    assert server.seen == ["/text"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "0x7f000001", "2130706433",
     "[::ffff:127.0.0.1]", "192.168.1.1"],
)  # fmt: skip
def test_private_addresses_are_refused(lab: Lab, host: str, monkeypatch: Any) -> None:
    monkeypatch.delenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", raising=False)
    stage = {"url": f"http://{host}:9/x", "on_error": "raise"}
    with pytest.raises(RetrieverError, match=r"not a public address|four decimal numbers"):
        found(lab, {"api_call": stage})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "http://a.example/x", "allowed_domains": ["b.example", "*.a.example"]},
         "host 'a.example' is not among allowed_domains"),
        ({"url": "http://evil-a.example/x", "allowed_domains": ["a.example", "*.a.example"]},
         "not among"),
        ({"url": "{{DOC.link}}"}, "a host from a template needs allowed_domains"),
        ({"url": "http://{DOC.host}/x"}, "a host from a template needs allowed_domains"),
        ({"url": "http://{DOC.host}.a.example/x"}, "a host from a template needs allowed_domains"),
        ({"url": "http://a.example{{DOC.host}}/"}, "a host from a template needs allowed_domains"),
        ({"url": "{{INPUT.q}}://a.example/"}, "a host from a template needs allowed_domains"),
        ({"url": "{{INPUT.q}}/x", "allowed_domains": ["x"]}, "is not an http"),
        ({"url": "http://a.example\\\\.b.example/"}, "is not an http"),
        ({"url": "http://a.example/", "headers": {"X: y": "b"}}, "not set here"),
        ({"url": "http://{DOC.host}/x", "allowed_domains": ["a.example"]}, "not among"),
        ({"url": "{{DOC.link}}", "allowed_domains": ["a.example"]}, "not among"),
        ({"url": "file:///etc/passwd"}, "is not an http"),
        ({"url": "http://user@a.example/"}, "is not an http"),
        ({"url": "http://a.example:port/"}, "is not a URL"),
        ({"url": "http://a.example/", "headers": {"Host": "b"}}, "headers.Host: this"),
        ({"url": "http://a.example/", "headers": {"authorization": "b"}}, "belong into auth"),
        ({"url": "http://a.example/", "headers": {"X": "{{DOC.lines}}"}}, "a header is one line"),
        ({"url": "http://a.example/", "auth": {"type": "bearer"}}, "needs secret_ref"),
        ({"url": "http://a.example/", "auth": {"type": "bearer", "secret_ref": "NOPE"}},
         "no secret 'NOPE'"),
        ({"url": "http://a.example/", "auth": {"type": "api_key", "secret_ref": "KEY"}},
         "needs key"),
        ({"url": "http://a.example/", "auth": {"type": "bearer", "secret_ref": "KEY"}},
         "https only"),
    ],
)  # fmt: skip
def test_calls_that_are_not_made(given: dict[str, Any], told: str) -> None:
    reach = Reach(
        http=lambda _: pytest.fail("called"), secret=lambda n: SECRET if n == "KEY" else None
    )
    fields = {"link": "http://b.example/", "host": "b.example", "lines": "a\r\nX: b"}
    with pytest.raises(RetrieverError, match=told):
        run("api_call", [Hit("d", "c", 1, 1.0, fields, {})], reach, on_error="raise", **given)


def test_a_value_stays_a_value_in_the_url() -> None:
    asked: list[HTTPRequest] = []

    def http(request: HTTPRequest) -> HTTPAnswer:
        asked.append(request)
        return HTTPAnswer(200, {}, b"{}")

    hit = Hit("d", "c", 1, 1.0, {"v": "a/../b?c=d&e#f@g:h\r\n"}, {})
    run("api_call", [hit], Reach(http=http), url="https://a.example/x/{DOC.v}?k={{DOC.v}}")
    parts = urlsplit(asked[0].url)
    assert (parts.hostname, parts.fragment) == ("a.example", "")
    assert unquote(parts.path) == "/x/a/../b?c=d&e#f@g:h\r\n"
    assert parse_qs(parts.query) == {"k": ["a/../b?c=d&e#f@g:h\r\n"]}
    assert not asked[0].follows_redirects


@pytest.mark.parametrize(
    ("auth", "where"),
    [
        ({"type": "bearer"}, "authorization"),
        ({"type": "basic"}, "authorization"),
        ({"type": "api_key", "key": "X-Key"}, "x-key"),
        ({"type": "custom_header", "key": "X-Other"}, "x-other"),
        ({"type": "api_key", "key": "k&k", "location": "query"}, None),
    ],
)
def test_a_secret_is_sent_and_never_told(
    lab: Lab, url: str, monkeypatch: Any, auth: dict[str, Any], where: str | None, server: Any
) -> None:
    value = f"user:{SECRET}" if auth["type"] == "basic" else SECRET
    monkeypatch.setenv("THE_KEY", "of the environment, which is never sent")
    SecretStore(lab.home).set("THE_KEY", value)
    sent: dict[str, str] = {}
    original = Echo.do_POST

    def keeping(self: Any) -> None:
        sent.update({k.lower(): v for k, v in self.headers.items()}, path=self.path)
        original(self)

    monkeypatch.setattr(Echo, "do_POST", keeping)
    stage = {
        "url": url + "/echo/x?a=1",
        "method": "POST",
        "auth": {**auth, "secret_ref": "THE_KEY"},
    }
    result = found(lab, {"api_call": stage})
    if where is None:
        assert parse_qs(urlsplit(sent["path"]).query) == {"a": ["1"], "k&k": [SECRET]}
    else:
        assert sent[where]
        told = result.hits[0].fields["api_response"]["headers"][where]
        assert "[secret]" in told
    failing = found(lab, {"api_call": {**stage, "url": url + "/broken"}})
    for shown in (result, failing):
        text = repr(shown) + json.dumps([dict(h.fields) for h in shown.hits]) + str(shown.warnings)
        assert SECRET not in text
        assert SECRET.replace(" ", "%20").replace("/", "%2F") not in text
        if auth["type"] == "basic":
            assert sent["authorization"].split()[1] not in text


# ---------------------------------------------------------------- sql_lookup


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same table in SQLite (`shop`), DuckDB (`duck`), Parquet (`file`) and CSV (`lines`)."""
    database = sqlite3.connect(tmp_path / "shop.sqlite")
    database.execute("CREATE TABLE stock (sku TEXT, count INTEGER, shelf TEXT)")
    database.executemany("INSERT INTO stock VALUES (?, ?, ?)", STOCK)
    database.commit()
    database.close()
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as duck:
        duck.execute("CREATE TABLE stock (sku TEXT, count INTEGER, shelf TEXT)")
        duck.executemany("INSERT INTO stock VALUES (?, ?, ?)", STOCK)
        for kind in ("parquet", "csv"):
            duck.execute(f"COPY stock TO '{tmp_path}/stock.{kind}'")
    for name, address in {
        "SHOP": f"sqlite:///{tmp_path}/shop.sqlite", "DUCK": f"duckdb:///{tmp_path}/shop.duckdb",
        "FILE": f"file://{tmp_path}/stock.parquet", "LINES": f"file://{tmp_path}/stock.csv",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"MIXPEEK_LAB_SQL_{name}", address)
    return tmp_path


CONNECTIONS = {"shop": "stock", "duck": "stock", "file": "data", "lines": "data"}


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("handling", ["first", "all"])
def test_rows_of_each_document(lab: Lab, stock: Path, connection: str, handling: str) -> None:
    query = f"SELECT count, shelf FROM {CONNECTIONS[connection]} WHERE sku = :sku ORDER BY count"
    stage = {"connection_id": connection, "query": query, "result_handling": handling,
             "parameters": {"sku": "{{DOC.sku}}"}, "result_field": "in.stock"}  # fmt: skip
    hits = found(lab, {"sql_lookup": stage}).hits
    assert len(hits) == 20
    for document in hits:
        rows = [
            {"count": n, "shelf": s} for k, n, s in sorted(STOCK) if k == document.fields["sku"]
        ]
        expected: Any = rows if handling == "all" else (rows or [None])[0]
        assert document.fields["in"]["stock"] == expected


def test_the_lab_s_own_collections_are_tables(lab: Lab) -> None:
    query = "SELECT count(*) AS c, max(n) AS m FROM docs WHERE sku = $1 AND n < $2"
    stage = {"query": query, "parameters": {"sku": "{{DOC.sku}}", "n": "{{INPUT.most}}"}}
    for document in found(lab, {"sql_lookup": stage}, {"query": "river", "most": 15}).hits:
        own = [r["n"] for r in ROWS if r["sku"] == document.fields["sku"] and r["n"] < 15]
        assert document.fields["sql_result"] == {"c": len(own), "m": max(own)}
    every = {"query": "SELECT DISTINCT _collection AS c FROM documents"}
    assert found(lab, {"sql_lookup": every}).hits[0].fields["sql_result"] == {"c": "docs"}


@pytest.mark.parametrize("connection", ["shop", "duck", "lab"])
def test_values_are_bound(lab: Lab, stock: Path, connection: str) -> None:
    evil = "x' OR '1'='1'; DROP TABLE stock; --"
    stage = {"connection_id": connection, "query": "SELECT :v AS v, '?:v$1' AS t -- :no 'x\n",
             "parameters": {"v": "{{INPUT.v}}"}}  # fmt: skip
    result = found(lab, {"sql_lookup": stage}, {"query": "river", "v": evil})
    assert result.hits[0].fields["sql_result"] == {"v": evil, "t": "?:v$1"}


@pytest.mark.parametrize(
    ("query", "given", "expected"),
    [
        ("a = :x AND b = $y", ["x", "y"], ("a = ? AND b = ?", ["x", "y"])),
        ("a = $2 AND b = $1 AND c = $2", ["x", "y"],
         ("a = ? AND b = ? AND c = ?", ["y", "x", "y"])),
        ("a = ? AND b = ?", ["x", "y"], ("a = ? AND b = ?", ["x", "y"])),
        ("a::text = :x /* :n */ AND \":q\" = ':r''s' -- :t", ["x"],
         ("a::text = ? /* :n */ AND \":q\" = ':r''s' -- :t", ["x"])),
        ("l[1:n] = $$ :x $$", ["x"], ("l[1:n] = $$ :x $$", [])),
    ],
)  # fmt: skip
def test_placeholders(query: str, given: list[str], expected: Any) -> None:
    assert placed(query, given, "s") == expected


@pytest.mark.parametrize("query", ["a = :z", "a = $3", "a = $0", "a = ? AND b = ? AND c = ?"])
def test_placeholders_without_a_value(query: str) -> None:
    with pytest.raises(RetrieverError, match=r"stage 's', query: "):
        placed(query, ["x", "y"], "s")


FORBIDDEN = [
    "DELETE FROM stock", "DROP TABLE stock", "INSERT INTO stock VALUES ('a', 1, 'b')",
    "UPDATE stock SET count = 0", "CREATE TABLE t (a INT)", "SELECT 1; SELECT 2",
    "ATTACH '{}/other.db' AS other", "ATTACH DATABASE '{}/shop.sqlite' AS other",
    "PRAGMA writable_schema = 1", "SELECT load_extension('{}/x.so')", "VACUUM INTO '{}/copy.db'",
    "COPY stock TO '{}/out.csv'", "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('{}/stock.csv')", "SELECT * FROM '{}/stock.parquet'",
    "SELECT * FROM glob('/etc/*')", "INSTALL httpfs", "LOAD httpfs", "SET memory_limit = '9GB'",
    "SET enable_external_access = true", "EXPORT DATABASE '{}/all'", "RESET lock_configuration",
    "SELECT writefile('{}/w', 'x')", "SELECT readfile('/etc/passwd')", "EXPLAIN ANALYZE SELECT 1",
    "SELECT * FROM sqlite_scan('{}/shop.sqlite', 'stock')", "CALL pragma_version()",
    "WITH x AS (DELETE FROM stock RETURNING *) SELECT * FROM x", "nonsense", "",
]  # fmt: skip


@pytest.mark.parametrize("connection", ["shop", "duck", "lab", "lines"])
def test_nothing_but_reading_what_was_set_up(lab: Lab, stock: Path, connection: str) -> None:
    kept = sorted(path.name for path in stock.iterdir())
    for statement in FORBIDDEN:
        if connection == "lines" and "{}/stock.csv" in statement:
            continue  # that file is the connection
        query = statement.format(stock)
        stage = {"connection_id": connection, "query": query}
        with pytest.raises(InvalidInputError):
            found(lab, {"sql_lookup": stage})
    assert sorted(path.name for path in stock.iterdir()) == kept
    with sqlite3.connect(stock / "shop.sqlite") as database:
        assert database.execute("SELECT count(*) FROM stock").fetchone() == (len(STOCK),)


@pytest.mark.parametrize("connection", ["shop", "duck"])
def test_limits_of_time_and_rows(lab: Lab, stock: Path, connection: str) -> None:
    endless = (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) AS m FROM r"
        if connection == "shop"
        else "SELECT count(*) AS c FROM range(10000000) a, range(10000000) b"
    )
    stage = {"connection_id": connection, "query": endless, "timeout": 0.2}
    with pytest.raises(EngineError, match=r"no answer within 0\.2 s"):
        found(lab, {"sql_lookup": stage})
    many = (
        f"WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {MOST_ROWS}) "
        "SELECT n FROM r"
    )
    with pytest.raises(InvalidInputError, match=r"more than 1000 rows\. Add a LIMIT"):
        found(lab, {"sql_lookup": {"connection_id": connection, "query": many}})


@pytest.mark.parametrize("connection", ["duck", "lab", "lines"])
def test_files_in_a_temporary_folder_are_out_of_reach(
    lab: Lab, stock: Path, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB lets queries read whatever lies where it would put what memory cannot hold."""
    monkeypatch.chdir(stock)
    for name in (".tmp", "shop.duckdb.tmp"):
        (stock / name).mkdir()
        (stock / name / "x.txt").write_text("private")
        query = f"SELECT content FROM read_text('{stock}/{name}/x.txt')"
        with pytest.raises(InvalidInputError, match="disabled by configuration"):
            found(lab, {"sql_lookup": {"connection_id": connection, "query": query}})


@pytest.mark.parametrize("query", [
    "SELECT repeat('x', 17000000) AS t", "SELECT [repeat('x', 9000000), repeat('y', 9000000)] AS t",
    "SELECT {'a': repeat('x', 17000000)} AS t",
])  # fmt: skip
def test_an_answer_of_a_great_many_characters_is_refused(lab: Lab, query: str) -> None:
    with pytest.raises(InvalidInputError, match=r"more than 16,777,216 characters"):
        found(lab, {"sql_lookup": {"connection_id": "lab", "query": query}})


def test_documents_without_rows_or_values(lab: Lab, stock: Path) -> None:
    query = "SELECT shelf FROM stock WHERE sku = :sku"
    stage = {"connection_id": "shop", "query": query, "parameters": {"sku": "{{DOC.sku}}"}}
    with_rows = sum(row["sku"] in {sku for sku, _, _ in STOCK} for row in ROWS)
    counts = {"null": 20, "skip": 20, "error": with_rows}
    for behaviour, count in counts.items():
        more = {"on_no_results": behaviour, "on_error": "remove"}
        result = found(lab, {"sql_lookup": {**stage, **more}})
        assert len(result.hits) == count
        having = [h for h in result.hits if "sql_result" in h.fields]
        assert len(having) == (20 if behaviour == "null" else with_rows)
    with pytest.raises(RetrieverError, match="the query gave 2 rows where one is expected"):
        found(lab, {"sql_lookup": {**stage, "result_handling": "error_if_multiple",
                                   "on_error": "raise"}})  # fmt: skip
    missing = {**stage, "parameters": {"sku": "{{DOC.nothing}}"}}
    result = found(lab, {"sql_lookup": missing})
    assert "20 documents got nothing. The first: " in result.warnings[0]
    assert "asks for 'nothing'" in result.warnings[0]


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (None, NotFoundError, "No SQL connection called 'crm'.*Set MIXPEEK_LAB_SQL_CRM"),
        ("mysql://u:pa55word@host/db", InvalidInputError, "is no database that can be asked"),
        ("sqlite:////no/such/file", EngineError, "there is no file where MIXPEEK_LAB_SQL_CRM says"),
        ("file:///etc/hostname", InvalidInputError, r"a file is one of \.parquet"),
        ("pa55word", InvalidInputError, "is no database"),
    ],
)
def test_connections_that_are_none(
    lab: Lab, monkeypatch: Any, value: str | None, error: Any, told: str
) -> None:
    if value is not None:
        monkeypatch.setenv("MIXPEEK_LAB_SQL_CRM", value)
    with pytest.raises(error, match=told) as caught:
        found(lab, {"sql_lookup": {"connection_id": "crm", "query": "SELECT 1"}})
    assert "pa55word" not in str(caught.value)


def test_only_settings_for_sql_are_connections(lab: Lab, monkeypatch: Any) -> None:
    monkeypatch.setenv("OTHER", "sqlite:////etc/hostname")
    for name in ("OTHER", "../x", "a b", "x;y", "", "é"):
        with pytest.raises((NotFoundError, RetrieverError)):
            found(lab, {"sql_lookup": {"connection_id": name, "query": "SELECT 1"}})
    with pytest.raises(NotFoundError, match="letters, digits and underscores") as told:
        found(lab, {"sql_lookup": {"connection_id": "sqlite:////x", "query": "SELECT 1"}})
    assert "MIXPEEK_LAB_SQL_NAME" in str(told.value)


def test_a_template_is_not_spliced_into_sql() -> None:
    stage = {"sql_lookup": {"query": "SELECT * FROM t WHERE a = '{{DOC.a}}'"}}
    searches = [{"lexical": True}]
    with pytest.raises(RetrieverError, match=r"sql_lookup\.query: .*would become part of the SQL"):
        parse_retriever({"name": "r", "collection": "c", "searches": searches, "stages": [stage]})


def test_random_joins_in_sql(lab: Lab, stock: Path) -> None:
    random = Random(1)
    for _ in range(5):
        least, most = sorted(random.choices(range(100), k=2))
        query = "SELECT sku, count FROM stock WHERE count BETWEEN ? AND ? ORDER BY count, shelf"
        stage = {"connection_id": random.choice(["shop", "duck"]), "query": query,
                 "result_handling": "all",
                 "parameters": {"a": least, "b": "{{INPUT.b}}"}}  # fmt: skip
        result = found(lab, {"sql_lookup": stage}, {"query": "river", "b": most})
        rows = sorted((n, k) for k, n, _ in STOCK if least <= n <= most)
        assert result.hits[0].fields["sql_result"] == [{"sku": k, "count": n} for n, k in rows]

"""Who and what the server refuses: over real connections where the connection is the matter."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packages import HASH_EMBEDDER
from platform_client import Client, collected, filled
from platform_host import TOKEN, Host, client_of
from platform_server import answer_on, connected, exchange, request, served

from mixpeek_lab.api import create_app
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend
from mixpeek_lab.workbench.home import Home

GIF = b"GIF89a\1\0\1\0\0\0\0;"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("security") / "home"
    Lab(home).load(HASH_EMBEDDER)
    return home


@pytest.fixture(scope="module")
def host(place: Path) -> Host:
    return Host(place)


@pytest.fixture(scope="module")
def ask(place: Path, host: Host) -> Client:
    """A client of a platform with the bucket `files`, of pictures."""
    ask = client_of(place, host)
    ask("POST", "/buckets", {"bucket_name": "files", "blob_schema": {"photo": "image"}})
    return ask


@pytest.fixture(scope="module")
def port(place: Path, host: Host, ask: Client) -> Iterator[int]:
    with served(create_app(Backend(place, host), TOKEN)) as port:
        yield port


def told(answer: tuple[int, dict[str, str], bytes]) -> Any:
    """The `error` of an answer that is one."""
    status, headers, body = answer
    envelope = json.loads(body)
    assert (envelope["success"], envelope["status"]) == (False, status)
    assert envelope["error"]["details"]["request_id"] == headers["x-request-id"]
    return envelope["error"]


class TestToken:
    @pytest.mark.parametrize(
        "token",
        ["short", "a token with blanks", "aaaaaaaaaaaaaaaaaaaaaaaa", "ümläute-gehen-nicht!"],
    )
    def test_a_weak_one_is_refused_with_what_to_do(
        self, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIXPEEK_LAB_TOKEN", token)
        with pytest.raises(InvalidInputError, match=r"secrets\.token_urlsafe\(32\)") as refusal:
            Lab(tmp_path / "home")
        assert token not in str(refusal.value)

    def test_a_good_one_is_the_labs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MIXPEEK_LAB_TOKEN", "a-token-of-my-own-7")
        assert Lab(tmp_path / "home").token == "a-token-of-my-own-7"

    def test_one_that_was_weakened_in_the_home_is_refused(self, tmp_path: Path) -> None:
        home = Home.open(tmp_path)
        home.token()
        (tmp_path / "token").write_text("x")
        with pytest.raises(InvalidInputError, match="weak"):
            home.token()


class TestBrowsers:
    """A page cannot read the token. Nor may it get anywhere with one, or with none."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403),
            ({"origin": "http://localhost:8888"}, 403), ({"origin": "http://127.0.0.1:1"}, 403),
            ({"origin": "http://127.0.0.1.evil.example"}, 403), ({"origin": ""}, 403),
            ({"sec_fetch_site": "cross-site"}, 403), ({"sec_fetch_site": "same-site"}, 403),
            ({"host": "evil.example"}, 421), ({"host": "127.0.0.1@evil.example"}, 421),
            ({"host": "127.0.0.1:80@evil.example"}, 421), ({"host": "evil.example:127.0.0.1"}, 421),
            ({"host": "0.0.0.0"}, 421), ({"host": "127.0.0.1."}, 421), ({"host": ""}, 421),
            ({"origin": "http://127.0.0.1"}, 200), ({"sec_fetch_site": "none"}, 200),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/v1/buckets", "/v1/health"])
    def test_only_the_labs_own_origin_and_host(
        self, port: int, headers: dict[str, str], status: int, path: str
    ) -> None:
        assert exchange(port, request("GET", path, TOKEN, **headers))[0] == status

    def test_a_preflight_is_granted_nothing(self, port: int) -> None:
        status, headers, _ = exchange(
            port, request("OPTIONS", "/v1/buckets", None, origin="https://evil.example",
                          access_control_request_method="POST"),
        )  # fmt: skip
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control")]

    def test_two_hosts_are_none(self, port: int) -> None:
        raw = request("GET", "/v1/buckets", TOKEN).replace(
            b"host: 127.0.0.1", b"host: 127.0.0.1\r\nhost: evil.example"
        )
        assert exchange(port, raw)[0] in (400, 421)


class TestMethods:
    def test_what_is_not_there_is_405_and_says_what_is(self, port: int) -> None:
        for method in ("TRACE", "OPTIONS", "PATCH"):
            status, headers, body = exchange(port, request(method, "/v1/tasks", TOKEN))
            assert (status, headers["allow"]) == (405, "GET"), method
            assert b"Bearer" not in body  # TRACE would tell the token to whoever made it ask
        for method in ("TRACE", "OPTIONS", "HEAD"):
            raw = request(method, "/v1/tasks", None, connection="close")
            assert exchange(port, raw)[0] == 401, method


class TestSizes:
    def test_an_address_and_headers(self, port: int) -> None:
        status, _, body = exchange(port, request("GET", "/v1/buckets?x=" + "a" * 9000, TOKEN))
        assert (status, b"8,192 at most" in body) == (414, True)
        answer = exchange(port, request("GET", "/v1/buckets", TOKEN, x_long="a" * 40_000))
        assert (answer[0], told(answer)["type"]) == (431, "TooLongError")

    def test_a_head_that_never_ends_is_cut_off(self, port: int) -> None:
        with connected(port) as line:
            line.sendall(b"GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-long: ")
            try:
                for _ in range(200):
                    line.sendall(b"a" * 10_000)
                    time.sleep(0.001)
                status = answer_on(line)[0]
            except (BrokenPipeError, ConnectionResetError):
                status = 0
            assert status in (0, 400, 431)

    def test_an_announced_body_is_refused_before_it_comes(self, port: int) -> None:
        for length in (str(65 * 1024**2), "9" * 30):
            raw = request("POST", "/v1/buckets", TOKEN, b"{", content_length=length)
            assert exchange(port, raw)[0] in (400, 413)

    def test_a_chunked_one_is_counted(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mixpeek_lab.api.bodies.MOST_BODY", 100_000)
        raw = request("POST", "/v1/buckets", TOKEN, transfer_encoding="chunked")
        chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
        answer = exchange(port, raw + chunk * 11)
        assert (answer[0], told(answer)["type"]) == (413, "TooLargeError")

    @pytest.mark.parametrize(
        "headers",
        [{"content_length": "-1"}, {"content_length": "1, 2"}, {"content_length": "0x10"},
         {"content_length": "5", "transfer_encoding": "chunked"}],
    )  # fmt: skip
    def test_a_length_that_cannot_be_true(self, port: int, headers: dict[str, str]) -> None:
        raw = request("POST", "/v1/buckets", TOKEN, **headers)
        assert exchange(port, raw + b"0\r\n\r\n")[0] in (0, 400, 422)

    def test_a_body_that_is_longer_than_it_says_is_not_read_on(self, port: int) -> None:
        """What follows would be taken for a second request: it is one without a token."""
        second = b"GET /v1/buckets HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
        with connected(port) as line:
            raw = request("POST", "/v1/buckets/list", TOKEN, b"{}" + second, content_length="2")
            line.sendall(raw)
            found = b"".join(iter(lambda: line.recv(65536), b""))
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"401"]


class TestSlowClients:
    def test_they_stop_nobody_and_are_cut_off(
        self, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mixpeek_lab.serving.connections.HEAD_SECONDS", 1.0)
        monkeypatch.setattr("mixpeek_lab.api.bodies.MOST_SECONDS", 1.0)
        heads = [connected(port) for _ in range(60)]
        bodies = [connected(port) for _ in range(60)]
        for line in heads:
            line.sendall(b"GET /v1/health HTTP/1.1\r\nhost: 127.")
        for line in bodies:
            line.sendall(request("POST", "/v1/buckets", TOKEN, b'{"a', content_length="100"))
        begun = time.perf_counter()
        assert exchange(port, request("GET", "/v1/buckets", TOKEN))[0] == 200
        assert time.perf_counter() - begun < 1
        assert {answer_on(line)[0] for line in heads} == {0}
        assert {answer_on(line)[0] for line in bodies} == {408}
        assert time.perf_counter() - begun < 10
        for line in (*heads, *bodies):
            line.close()

    def test_one_that_stays_idle_between_two_requests_is_kept(self, port: int) -> None:
        with connected(port) as line:
            for _ in range(3):
                line.sendall(request("GET", "/v1/health", None))
                assert answer_on(line)[0] == 200


class TestJSON:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b'{"a": 1, "a": 2}', "'a' is given twice"),
            (b'{"a": {"b": 1, "b": 1}}', "'b' is given"),
            (b'{"a": NaN}', "no NaN"), (b'{"a": -Infinity}', "no -Infinity"),
            (b'{"a": 1e999}', "too large"), (b'{"a": -1e400}', "too large"),
            (b'{"a": ' + b"9" * 310 + b".5}", "too large"),
            (b'{"a": ' + b"9" * 5000 + b"}", "limit"),
            (b'{"a": "\xff"}', "utf-8"), ('{"a": 1}'.encode("utf-16"), "utf-8"),
            (b"[" * 70 + b"]" * 70, "JSON object"),
            (b'{"a":' * 70 + b"1" + b"}" * 70, "levels deep"),
            (b'{"a": 1} {}', "Extra data"), (b"\xef\xbb\xbf{}", "BOM"),
        ],
    )  # fmt: skip
    def test_what_readers_would_read_differently(self, ask: Client, body: bytes, said: str) -> None:
        for path in ("/v1/buckets", "/v1/inference", "/v1/buckets/list"):
            answer = ask.http.post(path, content=body, headers=ask._headers)
            assert answer.status_code == 422, answer.text
            assert said in answer.json()["error"]["message"]


class TestFiles:
    def put(self, ask: Client, address: str) -> Any:
        body = {"blob_data": {"photo": address}}
        return ask.send("POST", "/buckets/files/objects", body)

    def test_none_of_this_machine_but_below_what_is_opened(
        self, ask: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "open").mkdir()
        inside, outside = tmp_path / "open" / "a.gif", tmp_path / "secret.gif"
        for path in (inside, outside):
            path.write_bytes(GIF)
        link = tmp_path / "open" / "link.gif"
        link.symlink_to(outside)
        monkeypatch.chdir(tmp_path)
        refused = [
            outside.as_uri(), str(outside), "secret.gif", "./secret.gif", "open/../secret.gif",
            link.as_uri(), f"{inside.parent.as_uri()}/..%2fsecret.gif", "~/.ssh/id_rsa",
            f"file://localhost{outside}", "file:///etc/passwd", "/etc/passwd", "FILE:///etc/passwd",
            "/proc/self/environ", str(tmp_path / "open"), "/no/such/file.gif", "file://",
        ]  # fmt: skip
        for address in (*refused, str(inside)):
            answer = self.put(ask, address)
            assert answer.status_code == 422, address
            assert "requests may not open" in answer.json()["error"]["message"]
        monkeypatch.setenv("MIXPEEK_LAB_FILE_ROOTS", f"/nowhere:{tmp_path / 'open'}")
        for address in refused:
            assert self.put(ask, address).status_code == 422, address
        made = self.put(ask, inside.as_uri())
        assert made.status_code == 200, made.text
        assert made.json()["blobs"][0]["data"] == inside.as_uri()

    def test_what_is_there_is_not_told_from_what_is_not(self, ask: Client) -> None:
        here, gone = "/etc/passwd", "/etc/passwx"
        first, second = (self.put(ask, path).json()["error"]["message"] for path in (here, gone))
        assert first.replace(here, "") == second.replace(gone, "")

    @pytest.mark.parametrize(
        "path", ["/inference", "/namespaces/default/extractors/x/realtime/test"]
    )
    @pytest.mark.parametrize(
        "inputs",
        [{"image": "/etc/passwd"}, {"images": ["file:///etc/passwd"]}, {"a": {"b": "~/x"}},
         {"image": " ../../etc/passwd"}],
    )  # fmt: skip
    def test_services_are_not_sent_any(self, ask: Client, path: str, inputs: Any) -> None:
        body = {"inference_name": "hash_embedder", "inputs": inputs}
        error = ask.refused(422, "BodyError", "POST", path, body)
        assert "requests may not open" in error["message"]

    def test_a_text_that_looks_like_a_path_is_a_text(self, ask: Client) -> None:
        body = {"inference_name": "hash_embedder", "inputs": {"text": "/etc/passwd"}}
        assert len(ask("POST", "/inference", body)["data"]["embedding"]) == 16

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:1/a.gif", "http://localhost/a.gif", "http://[::1]/a.gif",
         "http://169.254.169.254/latest/meta-data/", "http://2130706433/a.gif",
         "http://0x7f.1/a.gif", "http://[::ffff:127.0.0.1]/a.gif", "ftp://127.0.0.1/a.gif",
         "gopher://127.0.0.1/a", "http://10.0.0.1/a.gif"],
    )  # fmt: skip
    def test_no_address_of_a_private_network(
        self, ask: Client, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def connect(*_: Any) -> None:
            raise AssertionError("somebody connected")

        monkeypatch.setattr(socket.socket, "connect", connect)
        assert self.put(ask, url).status_code == 422


class TestNamespaces:
    def test_path_and_header_must_both_be_this_labs(self, ask: Client) -> None:
        (only,) = ask("GET", "/namespaces")["results"]
        own = only["namespace_id"]
        assert ask("GET", f"/namespaces/{own}/buckets", headers={"x-namespace": "default"})
        for path, header in [("default", "ns_other"), ("ns_other", own), ("ns_other", "ns_other")]:
            ask.refused(
                404, "NotFoundError", "GET", f"/namespaces/{path}/buckets",
                headers={"x-namespace": header},
            )  # fmt: skip

    def test_ids_of_another_lab_are_unknown_here(self, ask: Client, tmp_path: Path) -> None:
        """Two labs beside each other: every id of the one, asked of the other, is not found."""
        home = tmp_path / "other"
        Lab(home).load(HASH_EMBEDDER)
        other = client_of(home, Host(home))
        bucket = filled(other, "theirs")
        found = other("GET", f"/buckets/{bucket}/objects")["results"][0]["object_id"]
        upload = other("POST", f"/buckets/{bucket}/batches", {})["batch_id"]
        namespace = other("GET", "/namespaces")["results"][0]["namespace_id"]
        for path in (
            f"/buckets/{bucket}", "/buckets/theirs", f"/buckets/{bucket}/objects",
            f"/buckets/files/objects/{found}", f"/batches/{upload}", f"/namespaces/{namespace}",
        ):  # fmt: skip
            error = ask.refused(404, "NotFoundError", "GET", path)
            assert "theirs" not in error["message"].replace("'theirs'", "")
        ask.refused(404, "NotFoundError", "GET", "/buckets", headers={"x-namespace": namespace})

    def test_an_object_of_another_bucket_is_not_found_in_this_one(self, ask: Client) -> None:
        bucket = filled(ask, "others")
        key = ask("GET", f"/buckets/{bucket}/objects")["results"][0]["object_id"]
        for method in ("GET", "DELETE"):
            ask.refused(404, "NotFoundError", method, f"/buckets/files/objects/{key}")

    def test_the_signed_address_of_one_lab_is_none_of_another(
        self, ask: Client, tmp_path: Path
    ) -> None:
        other = client_of(tmp_path / "third", Host(tmp_path / "third"))
        made = other("POST", "/namespaces/default/extractors/uploads", {"name": "a"})
        assert ask.http.put(made["presigned_url"], content=b"x").status_code == 401


class TestErrors:
    def test_they_tell_no_secret_and_no_stack(
        self, ask: Client, place: Path, host: Host, monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        SecretStore(place).set("KEY", "s3cr3t-value-of-mine")

        async def fails(*_: Any) -> Any:
            raise ZeroDivisionError("s3cr3t-value-of-mine")

        async def refuses(*_: Any) -> Any:
            raise InvalidInputError("the provider refused s3cr3t-value-of-mine")

        body = {"inference_name": "hash_embedder", "inputs": {"text": "x"}}
        monkeypatch.setattr(host, "infer", refuses)
        error = ask.refused(422, "InvalidInputError", "POST", "/inference", body)
        assert error["message"] == "the provider refused [secret KEY]"
        assert "s3cr3t" not in json.dumps(error)
        monkeypatch.setattr(host, "infer", fails)
        named = {"x-request-id": "mine-1"}
        with caplog.at_level(logging.WARNING):
            answer = ask.send("POST", "/inference", body, headers=named)
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] == "mine-1"
        told = answer.json()["error"]
        assert (told["type"], told["details"]) == ("InternalError", {"request_id": "mine-1"})
        for word in ("s3cr3t", "Traceback", "ZeroDivision", ".py"):
            assert word not in answer.text
        assert "request mine-1" in caplog.text
        assert "ZeroDivisionError" in caplog.text

    def test_nor_does_what_a_run_came_to(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        SecretStore(Home.open(home).path).set("KEY", "s3cr3t-value-of-mine")
        Lab(home).load(HASH_EMBEDDER)
        host = Host(home)
        ask = client_of(home, host)
        collected(ask, filled(ask, texts=["FAIL s3cr3t-value-of-mine"]))
        host.work()
        (task,) = ask("GET", "/tasks")["results"]
        told = ask("GET", f"/tasks/{task['task_id']}")
        assert told["additional_data"]["failures"], told
        assert "s3cr3t" not in json.dumps(told)

    @pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", "a\tb"])
    def test_an_id_that_is_odd_is_replaced(self, ask: Client, given: str) -> None:
        answer = ask.send("GET", "/buckets", headers={"x-request-id": given.encode()})
        assert answer.headers["x-request-id"].startswith("req_")
        again = ask.send("GET", "/buckets", headers={"x-request-id": given.encode()})
        assert again.headers["x-request-id"] != answer.headers["x-request-id"]

    def test_a_good_one_is_told_again(self, ask: Client) -> None:
        named = {"x-request-id": "0af7651916cd43dd8448eb211c80319c"}
        for path in ("/buckets", "/buckets/none", "/nothing"):
            answer = ask.send("GET", path, headers=named)
            assert answer.headers["x-request-id"] == named["x-request-id"]
            if answer.status_code != 200:
                assert answer.json()["error"]["details"]["request_id"] == named["x-request-id"]
        refused = ask.http.get("/v1/buckets", headers=named)
        assert refused.status_code == 401
        assert refused.json()["error"]["details"]["request_id"] == named["x-request-id"]

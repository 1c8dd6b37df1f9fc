"""Moving versions to and from another platform: our own server, and recorded exchanges.

Everything is on loopback. The key must reach the platform, and nobody and nothing else.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hosted_servers import Recorded, served
from packages import FIXTURES, HASH_EMBEDDER
from platform_host import Host
from probes import load_probe
from test_versions import NAME, TEXTS, define, edited

from mixpeek_lab.api import create_app
from mixpeek_lab.errors import (
    ConflictError,
    InvalidInputError,
    ManifestError,
    NotFoundError,
    RemoteError,
)
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import read_source
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend
from mixpeek_lab.workbench.hosted import Hosted, Patience
from mixpeek_lab.workbench.hosted.address import read_address
from mixpeek_lab.workbench.hosted.wire import Wire

KEY = "sk_secret_0123456789"
NS = "/v1/namespaces/ns_1"
QUICK = Patience(again=20, first_pause=0.01, deploy=5, poll=0.01)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("MIXPEEK_API_KEY", KEY)
    monkeypatch.delenv("MIXPEEK_NAMESPACE", raising=False)


@pytest.fixture
def mine(kernel_lab):
    """A lab with version 1.0.0 committed."""
    kernel_lab.versions.commit(NAME, "first words")
    return kernel_lab


@pytest.fixture
def platform(tmp_path):
    """Our own server, with a lab of its own behind it: its host and its URL."""
    host = Host(tmp_path / "there")
    with served(create_app(Backend(tmp_path / "there", host), KEY)) as url:
        host.url = url
        yield host


@pytest.fixture
def there(platform, tmp_path):
    """The lab behind the server."""
    return Lab(tmp_path / "there")


@pytest.fixture
def replay():
    """Servers that replay exchanges: `replay(exchanges)`."""
    servers = []

    def start(exchanges):
        servers.append(Recorded(exchanges))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def pauses():
    """The pauses between tries, which are not made."""
    return []


def hosted(lab, patience=QUICK, pause=lambda _: None):
    """The lab's other platforms; `pause` is called in place of waiting."""
    return Hosted(lab._catalog, lab._home, lab.versions, patience, pause)


def quick(lab):
    return hosted(lab)


def exchange(method, path, status=200, body="", headers=None, **more):
    told = {"status": status, "body": body, "headers": headers or {}, **more}
    return {"request": {"method": method, "path": path}, "response": told}


def recorded(name):
    return json.loads((FIXTURES / "hosted" / f"{name}.json").read_text())


class TestAgainstOurOwnServer:
    def test_a_version_arrives_as_it_was(self, mine, platform, there):
        steps = []
        pushed = quick(mine).push(NAME, f"{platform.url}/v1", on_step=steps.append)
        assert (pushed.version, pushed.remote_version) == ("1.0.0", "1.0.0")
        assert (pushed.extractor_id, pushed.state) == ("hash_embedder_1_0_0", "NOT_DEPLOYED")
        assert pushed.feature_uri == "mixpeek://hash_embedder@1.0.0/hash_embedding"
        record = there.extractor(NAME)
        assert record.source.digest == mine.extractor(NAME).source.digest
        (commit,) = there.versions.log(NAME).commits
        assert (commit.message, commit.origin) == ("first words", "upload")
        assert mine.versions.log(NAME).places["1.0.0"] == (f"{pushed.place} as 1.0.0",)
        assert any("Sending" in step for step in steps)

    def test_pushing_again_sends_nothing(self, mine, platform, there):
        quick(mine).push(NAME, platform.url)
        steps = []
        again = quick(mine).push(NAME, platform.url, on_step=steps.append)
        assert again.was_there
        assert not any("Sending" in step for step in steps)
        # Nor does a lab that does not know of the first time.
        mine._catalog.drop_push(again.place, NAME, mine.extractor(NAME).source.digest)
        assert quick(mine).push(NAME, platform.url).was_there
        # What was deleted there is sent again.
        there._catalog.delete_version(NAME, "1.0.0")
        assert not quick(mine).push(NAME, platform.url).was_there

    def test_deploying_waits_until_it_is_up(self, mine, platform):
        digest = mine.extractor(NAME).source.digest
        ways = [("QUEUED", "PENDING"), ("PENDING", "IN_PROGRESS"), ("IN_PROGRESS", "DEPLOYED")]

        def go_on(_):
            before, after = ways.pop(0)
            assert platform.catalog.move_deployment(NAME, digest, before, after)
            if not ways:
                platform.states[NAME, digest[:12]] = ("RUNNING", "")

        steps = []
        lab = hosted(mine, pause=go_on)
        pushed = lab.push(NAME, platform.url, deploy=True, on_step=steps.append)
        assert pushed.state == "DEPLOYED"
        states = [step.partition(": ")[2] for step in steps if step.startswith(pushed.extractor_id)]
        assert states == ["PENDING", "IN_PROGRESS", "DEPLOYED"]

    def test_a_deployment_that_fails_says_why_and_one_that_hangs_how_to_go_on(self, mine, platform):
        digest = mine.extractor(NAME).source.digest

        def fail(_):
            platform.catalog.put_deployment(NAME, digest, "api", "FAILED", "realtime.py:3 broke")

        with pytest.raises(RemoteError, match=r"^status: .*realtime\.py:3 broke"):
            hosted(mine, pause=fail).push(NAME, platform.url, deploy=True)

        def come_up(_):  # the same command again asks for it again
            moved = platform.catalog.move_deployment(NAME, digest, "QUEUED", "DEPLOYED")
            assert moved
            platform.states[NAME, digest[:12]] = ("RUNNING", "")

        again = hosted(mine, pause=come_up).push(NAME, platform.url, deploy=True)
        assert again.state == "DEPLOYED"
        platform.states.clear()
        short = hosted(mine, Patience(deploy=0.05))
        with pytest.raises(RemoteError, match=r"still QUEUED after 0\.05 s\. .*same command again"):
            short.push(NAME, platform.url, deploy=True)

    def test_batch_only(self, mine, platform, tmp_path):
        pushed = quick(mine).push(NAME, platform.url, batch_only=True)
        assert pushed.state == "NOT_DEPLOYED"
        load_probe(mine, tmp_path, "batch['vec'] = [[1.0, 2.0]] * len(batch)", "return batch")
        mine.versions.commit("probe", "no realtime.py")
        assert quick(mine).push("probe", platform.url, deploy=True).state == "NOT_DEPLOYED"

    def test_a_number_that_the_lab_gave_is_given_there_too(self, mine, platform, tmp_path):
        quick(mine).push(NAME, platform.url)
        define(mine, tmp_path, edited("two"))
        with pytest.raises(InvalidInputError, match="not committed"):
            quick(mine).push(f"{NAME}@working", platform.url)
        steps = []
        assert quick(mine).push(NAME, platform.url, on_step=steps.append).version == "1.0.0"
        assert "they stay here" in steps[0]
        mine.versions.commit(NAME, "second")
        pushed = quick(mine).push(NAME, platform.url)
        assert (pushed.version, pushed.remote_version, pushed.notes) == ("1.0.1", "1.0.1", ())

    def test_a_number_that_differs_there_is_told(self, mine, platform, tmp_path, there):
        define(there, tmp_path, edited("theirs"))
        there.versions.commit(NAME, "theirs", "2.0.0")
        define(mine, tmp_path, edited("two"))
        mine.versions.commit(NAME, "second")
        pushed = quick(mine).push(NAME, platform.url)
        assert (pushed.version, pushed.remote_version) == ("1.0.1", "2.0.1")
        assert "2.0.1 there, and 1.0.1 here" in pushed.notes[0]
        assert 'With version="1.0.1" in the manifest' in pushed.notes[0]

    def test_a_declared_number_is_kept(self, mine, platform, there, tmp_path):
        define(there, tmp_path, edited("theirs"))
        there.versions.commit(NAME, "theirs", "2.0.0")
        define(mine, tmp_path, edited("two", manifest=('version="1.0.0"', 'version="1.5.0"')))
        mine.versions.commit(NAME, "second")
        pushed = quick(mine).push(NAME, platform.url)
        assert (pushed.version, pushed.remote_version, pushed.notes) == ("1.5.0", "1.5.0", ())

    def test_a_pulled_version_has_a_parent_only_where_that_is_proven(
        self, mine, platform, there, tmp_path
    ):
        quick(mine).push(NAME, platform.url)
        define(there, tmp_path, edited("two"))
        there.versions.commit(NAME, "second")
        fresh = Lab(tmp_path / "fresh")
        assert quick(fresh).pull(NAME, platform.url).commit.parent is None  # 1.0.0 is not here
        assert quick(fresh).pull(f"{NAME}@1.0.0", platform.url).commit.parent is None
        assert quick(mine).pull(NAME, platform.url).commit.parent == "1.0.0"
        # A head of other contents is no parent, nor is another version with the parent's number.
        other = Lab(tmp_path / "other")
        define(other, tmp_path, edited("mine"))
        other.versions.commit(NAME, "mine")
        assert quick(other).pull(NAME, platform.url).commit.parent is None

    def test_the_server_refuses_what_is_there_already_and_the_step_is_named(
        self, mine, platform, there, tmp_path
    ):
        define(there, tmp_path, edited("theirs"))
        there.versions.commit(NAME, "theirs")
        with pytest.raises(RemoteError, match=r"^confirm: POST .*409: .*Raise the version") as told:
            quick(mine).push(NAME, platform.url)
        assert (told.value.step, told.value.answered) == ("confirm", 409)

    def test_a_package_comes_back_as_it_was(self, mine, platform, home, tmp_path):
        quick(mine).push(NAME, platform.url)
        other = Lab(tmp_path / "other")
        pulled = quick(other).pull(NAME, platform.url)
        assert (pulled.commit.version, pulled.commit.origin) == ("1.0.0", "pull")
        assert (pulled.commit.message, pulled.was_here) == ("first words", False)
        assert other.extractor(NAME).source == mine.extractor(NAME).source
        other.bucket("b", TEXTS)
        assert other.process("b", NAME, engine="kernel").documents == 3
        assert quick(other).pull(NAME, platform.url).was_here

    def test_versions_and_tags_can_be_pulled(self, mine, platform, there, tmp_path):
        quick(mine).push(NAME, platform.url)
        define(there, tmp_path, edited("two"))
        there.versions.commit(NAME, "second")
        there.versions.tag(NAME, "stable", "1.0.0")
        other = Lab(tmp_path / "other")
        assert quick(other).pull(NAME, platform.url).commit.version == "1.0.1"
        for ref in ("v1", f"{NAME}@stable".partition("@")[2]):
            assert quick(other).pull(f"{NAME}@{ref}", platform.url).commit.version == "1.0.0"
        assert other.extractor(NAME).manifest.version == "1.0.0"
        for ref in ("9", "nope", "../x"):
            with pytest.raises(NotFoundError, match=r"hash_embedder@1\.0\."):
                quick(other).pull(f"{NAME}@{ref}", platform.url)
        with pytest.raises(NotFoundError, match="Did you mean 'hash_embedder'"):
            quick(other).pull("hash_embeder", platform.url)

    def test_nothing_of_mine_is_lost_to_a_pull(self, mine, platform, there, tmp_path):
        define(there, tmp_path, edited("theirs"))
        there.versions.commit(NAME, "theirs")
        with pytest.raises(ConflictError, match="committed here with other contents"):
            quick(mine).pull(NAME, platform.url)
        fresh = Lab(tmp_path / "fresh")
        fresh.load(HASH_EMBEDDER)
        with pytest.raises(ConflictError, match="not committed"):
            quick(fresh).pull(NAME, platform.url)
        assert quick(fresh).pull(NAME, platform.url, force=True).commit.message == "theirs"

    def test_a_wrong_key_and_a_wrong_namespace(self, mine, platform, monkeypatch):
        with pytest.raises(RemoteError, match=r"No namespace called 'ns_else'"):
            quick(mine).push(NAME, platform.url, namespace="ns_else")
        monkeypatch.setenv("MIXPEEK_API_KEY", "sk_wrong_key")
        with pytest.raises(RemoteError, match=r"401: .*MIXPEEK_API_KEY") as told:
            quick(mine).push(NAME, platform.url)
        assert "sk_wrong_key" not in str(told.value)

    def test_the_archive_of_a_version(self, mine, platform, there):
        quick(mine).push(NAME, platform.url)
        backend = there.home
        assert backend.exists()
        wire = Wire(read_address(platform.url, mine.home))
        path = f"/namespaces/default/plugins/{NAME}_1_0_0/archive"
        target = mine.home / "back.zip"
        with target.open("wb") as file:
            wire.download("download", f"{platform.url}/v1{path}", file)
        again = Lab(mine.home.parent / "again").load(target)
        assert again.source == mine.extractor(NAME).source


class TestRecordedExchanges:
    def test_push_to_a_platform_with_plugins_and_a_store_elsewhere(self, mine, replay, pauses):
        told = recorded("push")
        platform, store = replay(told["platform"]), replay(told["store"])
        platform.other = store.url.replace("127.0.0.1", "localhost")  # another host to the client
        lab = hosted(mine, Patience(), pauses.append)
        pushed = lab.push(NAME, platform.url, namespace="ns_1", deploy=True)
        assert (pushed.state, pushed.extractor_id) == ("DEPLOYED", "hash_embedder_1_0_0")
        assert platform.left == store.left == []
        ((_, _, headers, archive),) = store.asked
        assert KEY not in str(headers)
        assert "authorization" not in headers
        assert archive[:2] == b"PK"
        for _, _, headers, _ in platform.asked:
            assert headers["authorization"] == f"Bearer {KEY}"
            assert headers["x-namespace"] == "ns_1"
        confirms = [a for a in platform.asked if a[1].endswith("plugins/uploads/upl_9/confirm")]
        assert len({headers["idempotency-key"] for _, _, headers, _ in confirms}) == 1
        assert json.loads(confirms[0][3]) == {
            "message": "first words", "etag": '"9a0364b9e99bb480dd25e1f0284c8555"',
        }  # fmt: skip
        assert 7.0 in pauses
        assert 3.0 in pauses

    @pytest.mark.parametrize(
        ("answer", "number", "note"),
        [
            ({"feature_uri": f"mixpeek://{NAME}@1.0.7/hash_embedding"}, "1.0.7", "It is version"),
            ({"version": "2026-a"}, "2026-a", "It is version 2026-a there, and 1.0.1 here"),
            ({}, "", "does not say which version it is there"),
        ],
    )
    def test_the_number_that_the_platform_gave_is_told_as_it_says_it(
        self, mine, replay, tmp_path, answer, number, note
    ):
        define(mine, tmp_path, edited("two"))
        mine.versions.commit(NAME, "second")  # 1.0.1, and the manifest says 1.0.0
        told = {"success": True, "validation_status": "passed", "extractor_id": "x_1", **answer}
        url = {"upload_id": "u", "presigned_url": "{HOST}/put"}
        looks = [exchange("GET", f"{NS}/extractors/x_1", body={})] * (1 if number else 2)
        platform = replay([
            exchange("GET", f"{NS}/extractors/{NAME}_1_0_1", 404),
            exchange("GET", f"{NS}/plugins/{NAME}_1_0_1", 404),
            exchange("POST", f"{NS}/extractors/uploads", body=url),
            exchange("PUT", "/put"),
            exchange("POST", f"{NS}/extractors/uploads/u/confirm", body=told),
            *looks[1:],
            exchange("GET", f"{NS}/extractors/x_1/status", body={"status": "NOT_DEPLOYED"}),
            looks[0],
        ])  # fmt: skip
        steps = []
        pushed = quick(mine).push(NAME, platform.url, namespace="ns_1", on_step=steps.append)
        assert pushed.remote_version == number
        assert note in pushed.notes[0]
        assert any("the platform numbers it itself" in step for step in steps)
        assert "version" not in json.loads(platform.asked[2][3])

    def test_every_validation_error_is_shown_in_full(self, mine, replay):
        told = recorded("refused")
        platform, store = replay(told["platform"]), replay(told["store"])
        platform.other = store.url
        with pytest.raises(RemoteError) as error:
            quick(mine).push(NAME, platform.url, namespace="ns_1")
        lines = str(error.value).splitlines()
        assert "refuses the package: 3 problems." in lines[0]
        assert lines[1:] == [
            "  error SEC001 pipeline.py:3: Import of subprocess is blocked. Use run_tool.",
            "  manifest features.0.feature_name: Field required",
            "  realtime.py: no inference service found",
        ]
        assert (error.value.step, len(error.value.problems)) == ("confirm", 3)

    def test_a_push_that_broke_off_goes_on_where_it_was(self, mine, replay):
        told = recorded("push")
        cut = [*told["platform"][:5], exchange("POST", "x", drop=True)]
        first, store = replay(cut), replay(told["store"])
        first.other = store.url
        cut[-1]["request"]["path"] = f"{NS}/plugins/uploads/upl_9/confirm"
        with pytest.raises(RemoteError, match=r"^confirm: "):
            quick(mine).push(NAME, first.url, namespace="ns_1")
        assert len(store.asked) == 1
        known = mine._catalog.push(f"{first.url} ns_1", NAME, mine.extractor(NAME).source.digest)
        assert (known.upload_id, known.extractor_id) == ("upl_9", "")
        first._left[:] = [told["platform"][i] for i in (0, 1, 4, 6, 9, 10, 14, 15)]
        pushed = quick(mine).push(NAME, first.url, namespace="ns_1")
        assert (pushed.remote_version, pushed.state) == ("1.0.0", "PENDING")
        assert len(store.asked) == 1  # the archive went once

    def test_an_upload_that_is_gone_is_begun_anew_the_next_time(self, mine, replay):
        told = recorded("push")
        gone = exchange("POST", f"{NS}/plugins/uploads/upl_9/confirm", 410, {"detail": "expired"})
        platform, store = replay([*told["platform"][:5], gone]), replay(told["store"] * 2)
        platform.other = store.url
        with pytest.raises(RemoteError, match="410: expired"):
            quick(mine).push(NAME, platform.url, namespace="ns_1")
        platform._left[:] = [told["platform"][i] for i in (0, 1, 2, 3, 4, 6, 9, 10, 14, 15)]
        assert quick(mine).push(NAME, platform.url, namespace="ns_1").remote_version == "1.0.0"
        assert len(store.asked) == 2

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ({"status": 500, "body": "<html>oops</html>"}, "500: <html>oops</html>"),
            ({"status": 422, "body": {"detail": [{"loc": ["body", "name"], "msg": "bad"}]}},
             r"body\.name: bad"),
            ({"status": 400, "body": {"error": {"type": "Bad", "message": f"{KEY} is odd"}}},
             "… is odd"),
            ({"status": 200, "body": "[]"}, "no JSON object"),
            ({"status": 200, "body": "{}"}, "no upload_id"),
            ({"drop": True, "status": 0}, "run it again"),
            ({"status": 503, "headers": {"Retry-After": "1"},
              "body": {"error": {"message": "closed", "details": {"retryable": False}}}},
             "503: closed"),
            ({"status": 429, "headers": {"Retry-After": "99999"}, "body": {}}, "429"),
        ],
    )  # fmt: skip
    def test_whatever_the_platform_says_is_one_error(self, mine, replay, pauses, answer, words):
        exchanges = [
            *recorded("push")["platform"][:2],
            exchange("POST", f"{NS}/extractors/uploads"),
        ]
        exchanges[-1]["response"] = answer
        platform = replay(exchanges)
        with pytest.raises(RemoteError, match=words) as error:
            hosted(mine, pause=pauses.append).push(NAME, platform.url, namespace="ns_1")
        assert KEY not in str(error.value)
        assert pauses == []

    def test_a_platform_that_never_opens_is_left_in_time(self, mine, replay, pauses):
        busy = exchange("GET", f"{NS}/extractors/hash_embedder_1_0_0", 503, {})
        platform = replay([busy] * 20)
        lab = hosted(mine, Patience(again=6), pauses.append)
        with pytest.raises(RemoteError, match=r"503: .*run it again later"):
            lab.push(NAME, platform.url, namespace="ns_1")
        assert pauses == [1.0, 2.0]

    def test_pull_where_packages_are_not_given_back(self, mine, replay):
        listed = {"results": [{"name": NAME, "version": "1.0.0", "plugin_id": f"{NAME}_1_0_0"}]}
        platform = replay([
            exchange("GET", f"{NS}/extractors?page=1&page_size=100", 200, listed),
            exchange("GET", f"{NS}/extractors/{NAME}_1_0_0/archive", 404, {}),
            exchange("GET", f"{NS}/plugins/{NAME}_1_0_0/archive", 404, {}),
        ])  # fmt: skip
        with pytest.raises(RemoteError, match="does not give the package"):
            quick(mine).pull(NAME, platform.url, namespace="ns_1")

    def test_pull_from_a_store_gets_no_key_and_checks_what_arrives(self, mine, replay, tmp_path):
        path = mine.pack(NAME, tmp_path / "p.zip").path
        record = {
            "name": NAME, "version": "1.0.0", "extractor_id": f"{NAME}_1_0_0",
            "download_url": "{OTHER}/p.zip?sig=abc", "code_hash": "0" * 64,
        }  # fmt: skip
        store = replay([exchange("GET", "/p.zip?sig=abc")])
        store._send = lambda handler, told: _send_file(handler, path.read_bytes())
        page = exchange("GET", f"{NS}/extractors?page=1&page_size=100", 200, {"results": [record]})
        platform = replay([page])
        platform.other = store.url
        other = Lab(tmp_path / "other")
        with pytest.raises(RemoteError, match="not what its record says"):
            quick(other).pull(NAME, platform.url, namespace="ns_1")
        assert other.extractors() == []
        assert "authorization" not in store.asked[0][2]


class TestTheKeyAndTheAddress:
    def test_redirects_keep_the_key_on_the_platform(self, mine, replay):
        elsewhere = replay([exchange("GET", "/v1/x", 200, {})])
        other = elsewhere.url.replace("127.0.0.1", "localhost")
        path = f"{NS}/extractors/{NAME}_1_0_0"
        moved = exchange("GET", path, 307, "", {"Location": f"{other}/v1/x"})
        platform = replay([moved, exchange("POST", f"{NS}/extractors/uploads", 307, "",
                                           {"Location": f"{other}/v1/x"})])  # fmt: skip
        with pytest.raises(RemoteError, match="another host: it gets no key"):
            quick(mine).push(NAME, platform.url, namespace="ns_1")
        ((_, _, headers, _),) = elsewhere.asked
        assert "authorization" not in headers
        assert KEY not in str(headers)

    def test_redirects_on_the_platform_are_followed_with_the_body(self, mine, replay):
        told = recorded("push")
        moved = exchange("POST", f"{NS}/extractors/uploads", 308, "",
                         {"Location": f"{NS}/plugins/uploads"})  # fmt: skip
        platform = replay([*told["platform"][:2], moved, told["platform"][3]])
        platform.other = "https://nowhere.invalid"
        platform._left[-1]["response"]["body"].pop("upload_id")
        with pytest.raises(RemoteError, match="no upload_id"):
            quick(mine).push(NAME, platform.url, namespace="ns_1")
        assert json.loads(platform.asked[-1][3])["name"] == NAME

    def test_a_redirect_that_would_lose_the_body_or_never_ends(self, mine, replay):
        start = recorded("push")["platform"][:2]
        lost = exchange("POST", f"{NS}/extractors/uploads", 302, "", {"Location": "/v1/elsewhere"})
        with pytest.raises(RemoteError, match="would lose what was sent"):
            quick(mine).push(NAME, replay([*start, lost]).url, namespace="ns_1")
        path = f"{NS}/extractors/{NAME}_1_0_0"
        round_ = exchange("GET", path, 307, "", {"Location": path})
        with pytest.raises(RemoteError, match="redirects more than 5 times"):
            quick(mine).push(NAME, replay([round_] * 9).url, namespace="ns_1")

    def test_a_store_must_be_safe(self, mine, replay):
        for url in ("http://store.invalid/x", "ftp://store.invalid/x", "file:///etc/passwd", "x"):
            told = recorded("push")["platform"][:4]
            told[3]["response"]["body"]["presigned_url"] = url
            with pytest.raises(RemoteError, match="not https://"):
                quick(mine).push(NAME, replay(told).url, namespace="ns_1")

    def test_the_signature_of_an_address_is_not_told(self, mine, replay):
        told = recorded("push")
        told["store"][0]["response"]["status"] = 403
        platform, store = replay(told["platform"]), replay(told["store"])
        platform.other = store.url
        with pytest.raises(RemoteError, match=r"^send the archive: PUT .*403") as error:
            quick(mine).push(NAME, platform.url, namespace="ns_1")
        assert "5161" not in str(error.value)

    def test_where_the_key_comes_from(self, home, monkeypatch):
        Lab(home)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        assert read_address("https://api.mixpeek.com/v1/", home).key == KEY
        monkeypatch.delenv("MIXPEEK_API_KEY")
        with pytest.raises(InvalidInputError, match="secret set MIXPEEK_API_KEY"):
            read_address("https://api.mixpeek.com", home)
        SecretStore(home).set("MIXPEEK_API_KEY", "sk_kept_12345")
        address = read_address("https://api.mixpeek.com", home, "ns")
        assert (address.key, address.url) == ("sk_kept_12345", "https://api.mixpeek.com")
        assert "sk_kept" not in repr(address)

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://api.mixpeek.com", "plain HTTP to another machine"),
            ("https://sk_key@api.mixpeek.com", "A key does not belong"),
            ("https://api.mixpeek.com/v1?key=x", "A key does not belong"),
            ("api.mixpeek.com", "no URL of a platform"),
            ("ftp://api.mixpeek.com", "no URL of a platform"),
            ("https://[", "cannot be read"),
            ("", "no URL of a platform"),
        ],
    )
    def test_what_is_no_address(self, home, url, words):
        with pytest.raises(InvalidInputError, match=re.escape(words)):
            read_address(url, home)

    @pytest.mark.parametrize("key", ["abc", "sk key with space", "sk_é_123", "sk\n12345"])
    def test_what_is_no_key(self, home, monkeypatch, key):
        monkeypatch.setenv("MIXPEEK_API_KEY", key)
        with pytest.raises(InvalidInputError, match="no API key") as error:
            read_address("https://api.mixpeek.com", home)
        assert key not in str(error.value)

    def test_nothing_listens(self, mine):
        with pytest.raises(RemoteError, match="Check the URL and the network"):
            quick(mine).push(NAME, "http://127.0.0.1:9", namespace="ns_1")


def test_a_package_that_does_not_pass_is_not_pulled(platform, there, tmp_path):
    bad = edited("bad", core=("time.sleep", "eval"))
    with there._catalog.together():
        manifest = define(there, tmp_path, read_source(HASH_EMBEDDER)).manifest
        there._catalog.put_extractor(bad, manifest)
    other = Lab(tmp_path / "other")
    with pytest.raises(ManifestError, match="eval"):
        quick(other).pull(NAME, platform.url)
    assert other.extractors() == []


def _send_file(handler, content):
    handler.send_response(200)
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def test_fixtures_are_exchanges():
    for path in sorted(Path(FIXTURES / "hosted").glob("*.json")):
        told = json.loads(path.read_text())
        assert told["what"]
        assert all({"request", "response"} <= set(each) for each in told["platform"])

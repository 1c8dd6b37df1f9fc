"""Assets over real HTTP, a real S3 and a real GCS server on loopback, and as local files."""

from __future__ import annotations

import datetime
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import time
from ipaddress import ip_address
from pathlib import Path

import pytest
from asset_servers import BODY, gcs_server, http_server, s3_client, s3_server

from mixpeek_lab.errors import ExtractorRunError, InvalidInputError
from mixpeek_lab.sdk import AssetError, AssetLimits, download_asset, open_asset, upload_asset

LOCAL = AssetLimits(local_hosts=("*",))
REAL_GETADDRINFO = socket.getaddrinfo


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Downloads land below here; no setting of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MIXPEEK_LAB_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def server():
    with http_server() as running:
        yield running


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def names(monkeypatch, **addresses):
    """Let hosts resolve to addresses; each lookup takes the next one, the last for ever."""
    asked = []

    def getaddrinfo(host, port, *args, **kwargs):
        if host in addresses:
            asked.append(host)
            given = addresses[host]
            host = given[min(asked.count(host), len(given)) - 1]
        return REAL_GETADDRINFO(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


# ------------------------------------------------------------------------------ the three functions


def test_download_gives_a_temporary_copy_with_the_suffix(server, temporary):
    path, is_temp = download_asset(f"{server.url}/ok", suffix=".jpg", limits=LOCAL)
    assert is_temp is True
    assert path.endswith(".jpg")
    assert Path(path).read_bytes() == BODY
    assert temporary in Path(path).parents
    assert Path(path).parent != temporary  # a folder of its own
    assert Path(path).parent.stat().st_mode & 0o077 == 0
    Path(path).unlink()
    assert leftovers(temporary) == []


@pytest.mark.parametrize(
    ("path", "suffix", "end"),
    [("ok.png", None, ".png"), ("ok.png?a=b.exe", None, ".png"), ("ok", None, ""),
     ("ok.png", "", ""), ("ok.png", ".tar.gz", ".tar.gz")],
)  # fmt: skip
def test_the_suffix_comes_from_the_url_unless_it_is_given(server, path, suffix, end):
    with open_asset(f"{server.url}/{path}", suffix, limits=LOCAL) as file:
        assert Path(file).suffix == Path("x" + end).suffix
        assert file.endswith(end)


@pytest.mark.parametrize("suffix", ["/../x", "a\\b", "\0", "x" * 101])
def test_a_suffix_is_no_path(server, suffix):
    with pytest.raises(InvalidInputError, match="suffix="):
        download_asset(f"{server.url}/ok", suffix, limits=LOCAL)


def test_open_removes_its_copy_even_when_the_block_fails(server, temporary):
    with open_asset(f"{server.url}/ok", suffix=".bin", limits=LOCAL) as path:
        assert Path(path).read_bytes() == BODY
    assert leftovers(temporary) == []
    with pytest.raises(ZeroDivisionError), open_asset(f"{server.url}/ok", limits=LOCAL):
        _ = 1 / 0
    assert leftovers(temporary) == []


def test_open_does_not_mind_a_copy_that_the_user_removed(server):
    with open_asset(f"{server.url}/ok", limits=LOCAL) as path:
        Path(path).unlink()


def test_a_local_file_is_used_in_place(tmp_path):
    file = tmp_path / "a b%20é.txt"
    file.write_text("hello")
    for url in (str(file), file, file.as_uri(), f"file://localhost{file.as_uri()[7:]}"):
        path, is_temp = download_asset(url, suffix=".other")
        assert (Path(path), is_temp) == (file, False)
        with open_asset(url) as opened:
            assert Path(opened).read_text() == "hello"
    assert file.exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [("file://elsewhere/a.txt", "another machine"), ("nowhere.txt", "no such file"),
     ("file:///nowhere.txt", "no such file"), (".", "is a folder"), ("file://", "no path"),
     ("ftp://host/a", "ftp:// cannot be opened"), ("gopher://host/a", "cannot be opened"),
     ("https:///a", "not an http"), ("http://[::1/a", "not a URL"),
     ("file://[x/a", "another machine"),
     ("file:///a%00b", "no path")],
)  # fmt: skip
def test_what_cannot_be_opened_says_why(url, message):
    with pytest.raises(AssetError, match=message):
        download_asset(url)


@pytest.mark.parametrize("url", [None, float("nan"), "", "  ", b"/etc/hosts", 3, "a\0b"])
def test_a_row_without_a_url_is_refused(url):
    with pytest.raises(InvalidInputError, match="needs a URL or a path"):
        download_asset(url)


def test_extractors_import_them_by_their_names(tmp_path):
    code = (
        "from mixpeek_lab import compat; compat.install()\n"
        "from shared.extractors import open_asset\n"
        "from shared.extractors.sdk import download_asset, upload_asset, open_asset as same\n"
        "import mixpeek_lab.sdk as sdk, sys\n"
        "assert same is open_asset is sdk.open_asset and upload_asset is sdk.upload_asset\n"
        "print([n for n in ('httpx', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_asset_error_is_the_extractors_and_survives_a_worker():
    error = AssetError("gone")
    assert isinstance(error, ExtractorRunError)
    assert str(pickle.loads(pickle.dumps(error))) == "gone"


# ------------------------------------------------------------------------------ HTTP


def test_requests_carry_the_host_and_ask_for_plain_bytes(server):
    server.seen.clear()
    download_asset(f"http://localhost:{server.port}/ok?a=1&b=%20", limits=LOCAL)
    ((path, headers),) = server.seen
    assert path == "/ok?a=1&b=%20"
    assert headers["Host"] == f"localhost:{server.port}"
    assert headers["Accept-Encoding"] == "identity"


def test_a_user_and_password_in_the_url_are_sent_but_not_to_the_next_host(server):
    server.seen.clear()
    target = f"http://localhost:{server.port}/ok"
    url = f"http://ann:s3cret@127.0.0.1:{server.port}/redirect?to={target}"
    download_asset(url, limits=LOCAL)
    first, second = (headers for _, headers in server.seen)
    assert first["Authorization"].startswith("Basic ")
    assert "Authorization" not in second


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, status):
    path, _ = download_asset(f"{server.url}/redirect?status={status}&to=/ok", limits=LOCAL)
    assert Path(path).read_bytes() == BODY


def test_redirects_are_counted(server, temporary):
    path, _ = download_asset(f"{server.url}/again?left=4", limits=LOCAL)
    assert Path(path).read_bytes() == BODY
    Path(path).unlink()
    with pytest.raises(AssetError, match="redirects more than 5 times"):
        download_asset(f"{server.url}/again?left=5", limits=LOCAL)
    limits = AssetLimits(max_redirects=0, local_hosts=("*",))
    with pytest.raises(AssetError, match="more than 0 times"):
        download_asset(f"{server.url}/again?left=0", limits=limits)
    assert leftovers(temporary) == []


@pytest.mark.parametrize("to", ["file:///etc/hosts", "ftp://host/a", "s3://bucket/key"])
def test_a_redirect_stays_on_http(server, to):
    with pytest.raises(AssetError, match=r"not an http\(s\) URL"):
        download_asset(f"{server.url}/redirect?to={to}", limits=LOCAL)


@pytest.mark.parametrize(
    ("code", "message"),
    [(404, "answered 404 Not Found. Check the path"), (403, "signed URL may have expired"),
     (500, "answered 500"), (204, "answered 204"), (304, "answered 304")],
)  # fmt: skip
def test_another_answer_than_200_is_an_error(server, temporary, code, message):
    with pytest.raises(AssetError, match=message):
        download_asset(f"{server.url}/status?code={code}", limits=LOCAL)
    assert leftovers(temporary) == []


def test_a_body_is_exactly_as_long_as_it_says(server, temporary):
    with pytest.raises(AssetError, match="broke off"):
        download_asset(f"{server.url}/short", limits=LOCAL)
    with pytest.raises(AssetError, match="broke off"):
        download_asset(f"{server.url}/digits", limits=LOCAL)
    assert leftovers(temporary) == []


@pytest.mark.parametrize("path", ["huge", "endless", "ok"])
def test_size_is_capped(server, temporary, path):
    limits = AssetLimits(max_bytes=len(BODY) - 1, local_hosts=("*",))
    with pytest.raises(AssetError, match="larger than 16,383 bytes"):
        download_asset(f"{server.url}/{path}", limits=limits)
    assert leftovers(temporary) == []


def test_the_cap_itself_is_allowed(server):
    limits = AssetLimits(max_bytes=len(BODY), local_hosts=("*",))
    path, _ = download_asset(f"{server.url}/ok", limits=limits)
    assert Path(path).stat().st_size == len(BODY)


def test_a_server_that_says_nothing_is_left(server, temporary):
    limits = AssetLimits(read_seconds=0.3, local_hosts=("*",))
    start = time.monotonic()
    with pytest.raises(AssetError, match=r"nothing came for 0.3 s"):
        download_asset(f"{server.url}/silent", limits=limits)
    assert time.monotonic() - start < 5
    assert leftovers(temporary) == []


@pytest.mark.parametrize("path", ["drip", "drip?head=1", "endless", "silent"])
def test_total_time_is_capped_however_bytes_trickle(server, temporary, path):
    limits = AssetLimits(total_seconds=0.6, max_bytes=1 << 40, local_hosts=("*",))
    start = time.monotonic()
    with pytest.raises(AssetError, match=r"did not arrive within 0.6 s"):
        download_asset(f"{server.url}/{path}", limits=limits)
    assert time.monotonic() - start < 5
    assert leftovers(temporary) == []


def test_a_closed_port_is_told(temporary):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(AssetError, match=r"Check that the server is up"):
        download_asset(f"http://127.0.0.1:{port}/a", limits=LOCAL)
    assert leftovers(temporary) == []


def test_the_next_address_is_tried_when_the_first_does_not_accept(server, monkeypatch):
    def both(host, port, *args, **kwargs):
        found = REAL_GETADDRINFO("127.0.0.1", port, *args, **kwargs)
        if host != "two.test":
            return REAL_GETADDRINFO(host, port, *args, **kwargs)
        return REAL_GETADDRINFO("127.0.0.3", port, *args, **kwargs) + found

    monkeypatch.setattr(socket, "getaddrinfo", both)
    path, _ = download_asset(f"http://two.test:{server.port}/ok", limits=LOCAL)
    assert Path(path).read_bytes() == BODY


# ------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.8.8", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
     "0.0.0.0", "[::]", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
     "[fd00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[::127.0.0.1]", "224.0.0.1",
     "255.255.255.255", "240.0.0.1", "[ff02::1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]",
     "[64:ff9b:1::7f00:1]", "[2001:0:1:2:3:4:5:6]", "192.0.2.1", "198.18.0.1", "[2001:db8::1]"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(host):
    with pytest.raises(AssetError, match="not a public address"):
        download_asset(f"http://{host}:9/a")


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "017700000001"]
)
@pytest.mark.parametrize("limits", [None, LOCAL])
def test_numbers_that_only_some_programs_read_as_addresses_are_refused(host, limits):
    with pytest.raises(AssetError, match=r"four decimal numbers|Invalid IPv4 address"):
        download_asset(f"http://{host}:9/a", limits=limits)


def test_a_name_that_leads_inside_is_refused_and_so_is_one_address_among_many(monkeypatch):
    names(monkeypatch, **{"inside.test": ["10.0.0.7"]})
    with pytest.raises(AssetError, match=r"'inside.test' leads to 10.0.0.7"):
        download_asset("http://inside.test/a")

    def both(host, port, *args, **kwargs):
        return [entry for one in ("8.8.8.8", "127.0.0.1")
                for entry in REAL_GETADDRINFO(one, port, *args, **kwargs)]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(AssetError, match=r"leads to 127.0.0.1"):
        download_asset("http://both.test/a")


def test_a_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch):
    with http_server() as good, http_server("127.0.0.2", good.port, name="rebound") as bad:
        asked = names(monkeypatch, **{"rebind.test": ["127.0.0.1", "127.0.0.2"]})
        path, _ = download_asset(f"http://rebind.test:{good.port}/who", limits=LOCAL)
        assert Path(path).read_text() == "first"
        assert asked == ["rebind.test"]
        assert bad.seen == []


def test_each_redirect_is_checked(server):
    only_this = AssetLimits(local_hosts=(f"127.0.0.1:{server.port}",))
    path, _ = download_asset(f"{server.url}/redirect?to=/ok", limits=only_this)
    assert Path(path).read_bytes() == BODY
    for inside in ("http://localhost:9/", "http://169.254.169.254/latest", "http://[::1]:9/"):
        with pytest.raises(AssetError, match="not a public address"):
            download_asset(f"{server.url}/redirect?to={inside}", limits=only_this)


def test_a_redirect_is_resolved_anew(server, monkeypatch):
    names(monkeypatch, **{"turn.test": ["127.0.0.1", "169.254.169.254"]})
    url = f"http://turn.test:{server.port}/redirect?to=http://turn.test:{server.port}/ok"
    with pytest.raises(AssetError, match=r"leads to 169.254.169.254"):
        download_asset(url, limits=LOCAL)


@pytest.mark.parametrize(
    ("value", "is_open"),
    [("1", True), ("127.0.0.1", True), ("nas.lan, 127.0.0.1:{port}", True), ("0", False),
     ("", False), ("nas.lan", False), ("127.0.0.1:1", False)],
)  # fmt: skip
def test_the_environment_allows_local_hosts(server, monkeypatch, value, is_open):
    monkeypatch.setenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", value.format(port=server.port))
    if is_open:
        path, _ = download_asset(f"{server.url}/ok")
        assert Path(path).read_bytes() == BODY
    else:
        with pytest.raises(AssetError, match=r"MIXPEEK_LAB_ALLOW_LOCAL_URLS=127\.0\.0\.1"):
            download_asset(f"{server.url}/ok")


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "0.0.0.0", "224.0.0.1",
             "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"],
)  # fmt: skip
def test_no_allowance_opens_metadata_or_link_local(host):
    with pytest.raises(AssetError, match="No setting opens"):
        download_asset(f"http://{host}/latest", limits=LOCAL)


def test_a_host_without_an_address_is_told(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AssetError, match=r"'nowhere\.test' has no address"):
        download_asset("https://nowhere.test/a")


# ------------------------------------------------------------------------------ TLS


def _certificate(folder, name):
    """A self-signed certificate for a name, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / f"{name}.pem", folder / f"{name}.key"


@pytest.mark.parametrize(("name", "is_good"), [("localhost", True), ("other.test", False)])
def test_certificates_are_checked_against_the_name_not_the_address(tmp_path, name, is_good):
    pem, key = _certificate(tmp_path, name)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    code = (
        "import sys; from mixpeek_lab.sdk import *\n"
        "limits = AssetLimits(local_hosts=('*',))\n"
        "try: print(len(open_asset(sys.argv[1], limits=limits).__enter__()) > 0)\n"
        "except AssetError as error: print(error)"
    )
    with http_server(tls=tls) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, f"https://localhost:{server.port}/ok"],
            capture_output=True, text=True, check=True,
            env={**os.environ, "SSL_CERT_FILE": str(pem), "TMPDIR": str(tmp_path)},
        )  # fmt: skip
    assert ("True" in done.stdout) is is_good, done.stdout
    assert ("Hostname mismatch" in done.stdout) is not is_good


# ------------------------------------------------------------------------------ secrets, limits


def test_messages_hide_passwords_and_signatures(server):
    secret = "hush"
    url = (
        f"http://ann:{secret}@127.0.0.1:{server.port}/status"
        f"?code=403&X-Amz-Signature={secret}#{secret}"
    )
    onward = f"{server.url}/redirect?to=file://x/?token={secret}"
    for tried in (url, onward, f"s3://key:{secret}@bucket/a", f"http://a:{secret}@[x"):
        with pytest.raises(AssetError) as caught:
            download_asset(tried, limits=LOCAL)
        assert secret not in str(caught.value)
    with pytest.raises(AssetError, match=r"/status\?code=…&X-Amz-Signature=… answered 403"):
        download_asset(url, limits=LOCAL)


def test_limits_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSET_MAX_BYTES", "100")
    monkeypatch.setenv("MIXPEEK_LAB_ASSET_TOTAL_SECONDS", "2.5")
    monkeypatch.setenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", "1")
    limits = AssetLimits()
    assert (limits.max_bytes, limits.total_seconds, limits.max_redirects) == (100, 2.5, 5)
    with pytest.raises(AssetError, match="larger than 100 bytes"):
        download_asset(f"{server.url}/ok")
    path, _ = download_asset(f"{server.url}/ok", limits=AssetLimits(max_bytes=10**6))
    assert Path(path).read_bytes() == BODY


@pytest.mark.parametrize(
    "given",
    [{"max_bytes": 0}, {"total_seconds": -1}, {"read_seconds": float("nan")},
     {"connect_seconds": float("inf")}, {"max_redirects": -1}, {"local_hosts": "nas.lan"}],
)  # fmt: skip
def test_a_limit_that_is_none_is_refused(given):
    with pytest.raises(InvalidInputError, match=next(iter(given))):
        AssetLimits(**given)


def test_a_setting_that_is_no_number_is_told(monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSET_MAX_BYTES", "2GB")
    with pytest.raises(InvalidInputError, match="MIXPEEK_LAB_ASSET_MAX_BYTES='2GB'"):
        AssetLimits()


def test_a_folder_that_others_write_is_not_trusted(server, temporary):
    folder = temporary / f"mixpeek-lab-assets-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(AssetError, match="not a folder of this user alone"):
        download_asset(f"{server.url}/ok", limits=LOCAL)
    folder.rmdir()
    folder.symlink_to(temporary)
    with pytest.raises(AssetError, match="not a folder of this user alone"):
        download_asset(f"{server.url}/ok", limits=LOCAL)


# ------------------------------------------------------------------------------ S3 and GCS


@pytest.fixture(scope="module")
def s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture
def s3(s3_url, monkeypatch):
    return s3_client(s3_url, monkeypatch)


@pytest.fixture
def gcs(monkeypatch):
    with gcs_server(monkeypatch) as port:
        yield port


@pytest.mark.parametrize("key", ["a.jpg", "deep/er/ä b+c.jpg", "odd?x=1#y%20.jpg"])
def test_s3_objects_are_downloaded(s3, temporary, key):
    s3.put_object(Bucket="media", Key=key, Body=BODY * 100)
    path, is_temp = download_asset(f"s3://media/{key}")
    assert (Path(path).read_bytes(), is_temp, Path(path).suffix) == (BODY * 100, True, ".jpg")
    with open_asset(f"S3://media/{key}", suffix=".png") as opened:
        assert Path(opened).read_bytes() == BODY * 100
    assert leftovers(temporary) == [Path(path)]


@pytest.mark.parametrize(
    ("url", "message"),
    [("s3://media/none", "there is no such object"), ("s3://nobucket/none", "no such object"),
     ("s3://media", "write s3://bucket/key"), ("s3://media/", "write s3://bucket/key"),
     ("s3:///a", "write s3://bucket/key"), ("s3://a@b:9/key", "never into the URL"),
     ("s3://media/a//b", "Empty path component")],
)  # fmt: skip
def test_s3_errors_say_what_to_check(s3, temporary, url, message):
    with pytest.raises(AssetError, match=message):
        download_asset(url)
    assert leftovers(temporary) == []


def test_s3_size_is_capped(s3, temporary):
    s3.put_object(Bucket="media", Key="big", Body=BODY)
    with pytest.raises(AssetError, match=r"s3://media/big is larger than 16,383 bytes"):
        download_asset("s3://media/big", limits=AssetLimits(max_bytes=len(BODY) - 1))
    assert leftovers(temporary) == []


def test_s3_time_is_capped_when_the_server_hangs(monkeypatch, temporary):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{hanging.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        start = time.monotonic()
        with pytest.raises(AssetError, match=r"did not arrive within 0.5 s"):
            download_asset("s3://media/a", limits=AssetLimits(total_seconds=0.5, read_seconds=1))
        assert time.monotonic() - start < 5
    assert leftovers(temporary) == []


def test_upload_to_s3_and_back(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", "s3://media/made/")
    file = tmp_path / "thumb 1.jpg"
    file.write_bytes(BODY)
    url = upload_asset(str(file), "ns_1", "int_1", resource_id="doc_1")
    assert url == "s3://media/made/int_1/ns_1/doc_1/thumb 1.jpg"
    head = s3.head_object(Bucket="media", Key=url.removeprefix("s3://media/"))
    assert (head["ContentType"], head["ContentLength"]) == ("image/jpeg", len(BODY))
    with open_asset(url) as path:
        assert Path(path).read_bytes() == BODY
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", "s3://no-such-bucket")
    with pytest.raises(AssetError, match="NO_SUCH_BUCKET"):
        upload_asset(file, "ns_1", "int_1", "doc_1")


def test_an_upload_that_is_late_leaves_no_part_of_the_file(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", "s3://media/late")
    file = tmp_path / "big.bin"
    file.write_bytes(BODY * 1000)
    with pytest.raises(AssetError, match=r"within 0\.001 s"):
        upload_asset(file, "ns_1", "int_1", "doc_1", limits=AssetLimits(total_seconds=0.001))
    for thread in threading.enumerate():
        if thread.name == "mixpeek-lab-asset":
            thread.join(20)
    left = s3.list_objects_v2(Bucket="media", Prefix="late/").get("Contents", [])
    assert [each["Key"] for each in left if not each["Key"].endswith("/")] == []


def test_gcs_there_and_back(gcs, tmp_path, temporary, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", "gs://media")
    file = tmp_path / "clip.mp4"
    file.write_bytes(BODY)
    url = upload_asset(file, namespace_id="ns_1", internal_id="int_1", resource_id="doc_1")
    assert url == "gs://media/int_1/ns_1/doc_1/clip.mp4"
    with open_asset(url) as path:
        assert (Path(path).read_bytes(), Path(path).suffix) == (BODY, ".mp4")
    with pytest.raises(AssetError, match="there is no such object"):
        download_asset("gs://media/none")
    with pytest.raises(AssetError, match="larger than 5 bytes"):
        download_asset(url, limits=AssetLimits(max_bytes=5))
    assert leftovers(temporary) == []


# ------------------------------------------------------------------------------ upload to a folder


@pytest.mark.parametrize("setting", ["MIXPEEK_LAB_HOME", "MIXPEEK_LAB_ASSETS_URL", "file", None])
def test_upload_to_a_folder(tmp_path, monkeypatch, setting):
    monkeypatch.chdir(tmp_path)
    folder = {
        "MIXPEEK_LAB_HOME": tmp_path / "home" / "assets",
        None: tmp_path / ".mixpeek_lab/assets",
    }
    base = folder.get(setting, tmp_path / "kept")
    if setting == "MIXPEEK_LAB_HOME":
        monkeypatch.setenv(setting, str(tmp_path / "home"))
    elif setting is not None:
        value = base.as_uri() if setting == "file" else str(base)
        monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", value)
    file = tmp_path / "out put.wav"
    for content in (b"one", b"two"):
        file.write_bytes(content)
        url = upload_asset(str(file), "ns_1", "int_1", "doc_1")
        stored = base / "int_1" / "ns_1" / "doc_1" / "out put.wav"
        assert url == stored.as_uri()
        assert download_asset(url) == (str(stored), False)
        assert stored.read_bytes() == content
    assert leftovers(base) == [stored]


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../x", "a\\b", "a\nb", None, 7])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_id_that_is_no_folder_is_refused(tmp_path, monkeypatch, bad, place):
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", str(tmp_path / "kept"))
    file = tmp_path / "a.txt"
    file.write_text("x")
    ids = ["ns_1", "int_1", "doc_1"]
    ids[place] = bad
    name = ("namespace_id", "internal_id", "resource_id")[place]
    with pytest.raises(InvalidInputError, match=f"upload_asset: {name} is"):
        upload_asset(file, *ids)
    assert not (tmp_path / "kept").exists()


def test_upload_errors_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(AssetError, match="no such file to upload"):
        upload_asset(tmp_path / "none", "ns_1", "int_1", "doc_1")
    file = tmp_path / "a.txt"
    file.write_text("x")
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", "https://host/put")
    with pytest.raises(InvalidInputError, match="MIXPEEK_LAB_ASSETS_URL starts with https://"):
        upload_asset(file, "ns_1", "int_1", "doc_1")
    monkeypatch.setenv("MIXPEEK_LAB_ASSETS_URL", str(file / "below"))
    with pytest.raises(AssetError, match="cannot be stored"):
        upload_asset(file, "ns_1", "int_1", "doc_1")


def test_the_test_servers_are_on_loopback(server, s3_url):
    for url in (server.url, s3_url):
        assert ip_address(url.split("//")[1].split(":")[0]).is_loopback

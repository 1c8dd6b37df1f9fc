"""Container images: references by their grammar, the organisation's scope, and Dockerfiles."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import pytest

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.findings import Finding
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.manifests.images import ENGINE_BASE, parse_image
from mixpeek_lab.models import Manifest
from mixpeek_lab.requirements import dockerfile
from mixpeek_lab.source import ExtractorSource

OWN = "us-east1-docker.pkg.dev/mixpeek-inference-463103/extractors-org_1f/my-image:1.0.0"
DIGEST = "sha256:" + "0123456789abcdef" * 4
PLAIN = Manifest("boxed", "1.0.0", "1.0.0")


def findings(image: str) -> list[Finding]:
    text = (
        f'feature_extractor_name = "boxed"\nversion = "1.0.0"\nfeatures = []\n'
        f"container_image = {image!r}\n"
    )
    reading = read_manifest(ExtractorSource("boxed", (("manifest.py", text),)))
    return [finding for finding in reading.findings if finding.rule.startswith("IMG")]


# ------------------------------------------------------------------------------ the grammar


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python", ("", "python", "", "")),
        ("library/python:3.11", ("", "library/python", "3.11", "")),
        ("localhost/a", ("localhost", "a", "", "")),
        ("localhost:5000/a/b:x", ("localhost:5000", "a/b", "x", "")),
        (f"reg.io:443/a__b/c-d.e@{DIGEST}", ("reg.io:443", "a__b/c-d.e", "", DIGEST)),
        (f"[2001:db8::1]:5000/a:t@{DIGEST}", ("[2001:db8::1]:5000", "a", "t", DIGEST)),
        (OWN, (OWN.split("/")[0], OWN.split("/", 1)[1].split(":")[0], "1.0.0", "")),
    ],
)  # fmt: skip
def test_references_are_taken_apart_and_put_together(text, parts) -> None:
    image = parse_image(text)
    assert (image.host, image.path, image.tag, image.digest) == parts
    assert str(image) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "write"),
        ("https://reg.example.com/a", "leave out the scheme"),
        ("reg.example.com/My-Image:1", "small letters"),
        ("reg.example.com/a b", "spaces"),
        ("reg.example.com/extractors-<your-org-id>/a:1", "your organisation's own id"),
        ("a:", "write"),
        ("a:.x", "write"),
        ("a:" + "x" * 129, "write"),
        ("a@sha256:1234", "is no digest"),
        ("a@sha256:" + "g" * 64, "is no digest"),
        ("a@sha256:" + "0" * 40, "64 hexadecimal digits"),
        ("a//b", "write"),
        ("a-/b", "write"),
        ("reg.example.com:port/a", "write"),
        ("x/" * 200 + "a", "255"),
        ("a\n", "spaces|write"),
        ("a:1$(id)", "write"),
    ],
)
def test_what_is_no_reference_says_why(text, told) -> None:
    with pytest.raises(InvalidInputError, match="is no image reference") as error:
        parse_image(text)
    assert re.search(told, str(error.value))
    if text:
        (only,) = findings(text)
        assert (only.rule, only.severity, only.line) == ("IMG001", "error", 4)


# ------------------------------------------------------------------------------ the scope


def test_the_organisations_own_image_is_no_finding() -> None:
    assert findings(OWN) == []
    assert findings(f"{OWN}@{DIGEST}") == []


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("python:3.11", "not from Docker Hub"),
        ("ghcr.io/acme/tool:1", "not from ghcr.io"),
        ("us-east1-docker.pkg.dev/p/mixpeek-engine/a:1", "organisation's repository"),
        ("us-east1-docker.pkg.dev/p/extractors-org:1", "organisation's repository"),
        ("us-east1-docker.pkg.dev/p/extractors-your-org-id/a:1", "placeholder"),
    ],
)
def test_an_image_out_of_reach_is_a_warning_with_the_reason(image, reason) -> None:
    (only,) = findings(image)
    assert (only.rule, only.severity) == ("IMG002", "warning")
    assert reason in only.message
    assert "Push it there: us-east1-docker.pkg.dev/" in only.fix


@pytest.mark.parametrize("tag", ["", ":latest"])
def test_a_tag_that_moves_is_a_warning(tag) -> None:
    (only,) = findings(OWN.rsplit(":", 1)[0] + tag)
    assert (only.rule, only.severity) == ("IMG003", "warning")
    assert "latest" in only.message


# ------------------------------------------------------------------------------ the Dockerfile


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, with its line continuations joined, without comments."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined if line.strip()]


def commands(run: str) -> list[list[str]]:
    """The commands of a RUN, each as the words that the shell would see."""
    found: list[list[str]] = [[]]
    for word in shlex.split(run):
        if word == "&&":
            found.append([])
        else:
            found[-1].append(word)
    return found


def test_a_dockerfile_has_exactly_the_manifests_packages() -> None:
    manifest = replace(
        PLAIN,
        system_packages=("tesseract-ocr", "libmagic1", "libmagic1"),
        dependencies=("sentence-transformers>=2.2", 'tomli; python_version < "3.11"', "a[b]!=1"),
        container_image=OWN,
    )
    (base, apt, pip) = instructions(dockerfile(manifest))
    assert base == ("FROM", ENGINE_BASE)
    assert commands(apt[1]) == [
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "libmagic1", "tesseract-ocr"],
        ["rm", "-rf", "/var/lib/apt/lists/*"],
    ]
    assert commands(pip[1]) == [
        ["pip", "install", "--no-cache-dir", "a[b]!=1", "sentence-transformers>=2.2",
         'tomli; python_version < "3.11"'],
    ]  # fmt: skip
    assert f"# docker build -t {OWN} . && docker push {OWN}" in dockerfile(manifest)


def test_a_layer_without_packages_is_left_out() -> None:
    assert instructions(dockerfile(PLAIN)) == [("FROM", ENGINE_BASE)]
    only_pip = instructions(dockerfile(replace(PLAIN, dependencies=("numpy",))))
    assert [name for name, _ in only_pip] == ["FROM", "RUN"]
    assert "apt-get" not in only_pip[1][1]


@pytest.mark.parametrize(
    "manifest",
    [
        replace(PLAIN, system_packages=("ffmpeg; curl x | sh",)),
        replace(PLAIN, system_packages=("-oAPT::Update::Pre-Invoke::=id",)),
        replace(PLAIN, dependencies=("numpy\nUSER root",)),
        replace(PLAIN, dependencies=("--index-url=https://x.org",)),
        replace(PLAIN, container_image="a\nRUN id"),
    ],
    ids=["apt", "apt option", "newline", "pip option", "image"],
)
def test_nothing_but_packages_reaches_the_builds_shell(manifest) -> None:
    with pytest.raises(InvalidInputError):
        dockerfile(manifest)


def test_an_address_stays_one_word_of_the_shell() -> None:
    address = "a @ https://x.org/a.whl?x=$(touch)&y='z'"
    (_, pip) = instructions(dockerfile(replace(PLAIN, dependencies=(address,))))
    assert commands(pip[1]) == [["pip", "install", "--no-cache-dir", address]]

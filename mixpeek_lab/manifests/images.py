"""Reading `container_image`: the grammar of image references, and where Mixpeek pulls from.

The grammar is that of the OCI distribution specification's reference implementation:
`[host[:port]/]path[:tag][@digest]`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.fields import Fields
from mixpeek_lab.manifests.report import Report

REGISTRY = "us-east1-docker.pkg.dev"
"""Mixpeek's registry: its pods pull from there by their workload identity."""
ENGINE_BASE = f"{REGISTRY}/mixpeek-inference-463103/mixpeek-engine/engine-base:latest"
"""The image that extractors' own images are based on."""
SCOPE = "extractors-"
EXAMPLE = f"{REGISTRY}/mixpeek-inference-463103/{SCOPE}<your-org-id>/my-image:1.0.0"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_LONGEST = 255
"""Characters of host and path together."""
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The parts of `host/path:tag@digest`; empty where a part is not written."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        name = f"{self.host}/{self.path}" if self.host else self.path
        tag = f":{self.tag}" if self.tag else ""
        return f"{name}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_image(text: str) -> ImageReference:
    """The reference in parts. InvalidInputError says which part is wrong."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"{text!r:.120} is no image reference: {_problem(text)}")
    host, path = found["host"] or "", found["path"]
    if host and not _is_host(host):  # `library/python`: its first part is no host
        host, path = "", f"{host}/{path}"
        if not re.fullmatch(rf"{_COMPONENT}(?:/{_COMPONENT})*", path):
            raise InvalidInputError(f"{text!r:.120} is no image reference: {_problem(text)}")
    digest = found["digest"] or ""
    if digest.startswith("sha256:") and not _SHA256.fullmatch(digest):
        raise InvalidInputError(
            f"{text!r} is no image reference: a sha256 digest has 64 hexadecimal digits."
        )
    if len(host) + len(path) + 1 > _LONGEST:
        raise InvalidInputError(
            f"{text[:40] + '…'!r} is no image reference: its name has more than {_LONGEST} "
            "characters."
        )
    return ImageReference(host, path, found["tag"] or "", digest)


def _is_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost" or text != text.lower()


def _problem(text: str) -> str:
    if "<" in text:
        return "put your organisation's own id in place of what stands in angle brackets."
    if "://" in text:
        return "leave out the scheme: it begins with the registry's host."
    if text != text.strip() or " " in text:
        return "it has spaces."
    name, _, tail = text.partition("@")
    if tail and not re.fullmatch(r"\w+:[0-9a-fA-F]{32,}", tail):
        return f"{tail!r} is no digest. Write sha256: and 64 hexadecimal digits."
    path = name.split("/", 1)[-1] if "/" in name else name
    if path.partition(":")[0] != path.partition(":")[0].lower():
        return "names of images are in small letters."
    return f'write "{EXAMPLE}".'


def read_image(fields: Fields) -> str | None:
    """The image as written; what it cannot be, or should not be, is reported."""
    text = fields.text("container_image")
    if text is None:
        return None
    node = fields.declared.of("container_image")[0].value.node
    try:
        image = parse_image(text)
    except InvalidInputError as error:
        fields.report.add("IMG001", node, f"container_image: {error}")
        return text
    reason = _outside(image)
    if reason:
        fields.report.add("IMG002", node, f"container_image {text!r}: {reason}", _fix(image))
    _check_tag(image, text, node, fields.report)
    return text


def _outside(image: ImageReference) -> str:
    """Why Mixpeek's pods cannot pull it; empty where they can."""
    if image.host != REGISTRY:
        where = image.host or "Docker Hub (no registry is named)"
        return f"Mixpeek pulls from your organisation's repository in {REGISTRY}, not from {where}."
    parts = image.path.split("/")
    if len(parts) < 3 or not parts[1].startswith(SCOPE):
        return (
            f"it is not in your organisation's repository, which is called {SCOPE} and your "
            "organisation's id."
        )
    if parts[1] in (f"{SCOPE}your-org-id", f"{SCOPE}org-id"):
        return f"{parts[1]!r} is the placeholder of the documentation, not your organisation's id."
    return ""


def _fix(image: ImageReference) -> str:
    name = image.path.rsplit("/", 1)[-1]
    tag = image.tag if image.tag not in ("", "latest") else "1.0.0"
    project = image.path.split("/")[0] if image.host == REGISTRY else "mixpeek-inference-463103"
    return f"Push it there: {REGISTRY}/{project}/{SCOPE}<your-org-id>/{name}:{tag}."


def _check_tag(image: ImageReference, text: str, node: ast.AST, report: Report) -> None:
    if image.digest or image.tag not in ("", "latest"):
        return
    said = "has the tag `latest`" if image.tag else "has no tag, which means `latest`"
    report.add(
        "IMG003", node,
        f"container_image {text!r} {said}: one version of the extractor would not always run the "
        "same image.",
        "Give each build a tag of its own: :1.0.0.",
    )  # fmt: skip

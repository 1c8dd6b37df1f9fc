"""A Dockerfile for an extractor: the engine's image, with the manifest's packages and no others."""

from __future__ import annotations

import shlex
from dataclasses import replace

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.manifests.dependencies import parse_requirement
from mixpeek_lab.manifests.images import ENGINE_BASE, parse_image
from mixpeek_lab.manifests.system_packages import package_name
from mixpeek_lab.models import Manifest

_BREAK = " \\\n"


def dockerfile(manifest: Manifest) -> str:
    """The text. A layer that would install nothing is left out.

    InvalidInputError where a package's name is none: nothing else may reach the build's shell.
    """
    parts = [_head(manifest), f"FROM {ENGINE_BASE}"]
    parts += [_apt(manifest)] if manifest.system_packages else []
    parts += [_pip(manifest)] if manifest.dependencies else []
    return "\n".join(parts) + "\n"


def _head(manifest: Manifest) -> str:
    title = f"# {manifest.name} {manifest.version}"
    if manifest.container_image is None:
        return f"{title}. Push it, and name it in the manifest: container_image."
    image = replace(parse_image(manifest.container_image), digest="")  # the build makes it
    return f"{title}\n# docker build -t {image} . && docker push {image}"


def _apt(manifest: Manifest) -> str:
    packages = sorted(set(manifest.system_packages))
    for text in packages:
        if package_name(text) is None:
            raise InvalidInputError(f"{text!r} in system_packages is no name of a Debian package.")
    install = ["apt-get install -y --no-install-recommends", *(f"    {text}" for text in packages)]
    steps = ["apt-get update", _BREAK.join(install), "rm -rf /var/lib/apt/lists/*"]
    return "RUN " + f"{_BREAK} && ".join(steps)


def _pip(manifest: Manifest) -> str:
    wanted = sorted({str(parse_requirement(text)) for text in manifest.dependencies})
    quoted = (f"    {shlex.quote(text)}" for text in wanted)
    return "RUN " + _BREAK.join(["pip install --no-cache-dir", *quoted])

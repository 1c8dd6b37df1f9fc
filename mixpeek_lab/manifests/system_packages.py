"""Reading `system_packages`: names of Debian packages, as `apt-get install` takes them."""

from __future__ import annotations

import re

from mixpeek_lab.manifests.fields import Fields

PACKAGE = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+~:-]+)?")
"""A package's name by Debian's policy, with an architecture and a version where they matter."""
_PREFIX = re.compile(r"^(sudo )?(apt-get|apt) install (-y )?")


def package_name(text: str) -> str | None:
    """The bare name in `libmagic1=1:5.44-3`; None where it is no package of Debian's."""
    found = PACKAGE.fullmatch(text)
    return found["name"] if found else None


def read_system_packages(fields: Fields) -> tuple[str, ...]:
    """The packages as written; what cannot be one is reported."""
    listed = fields.listed("system_packages")
    for text, node in listed:
        if package_name(text) is None:
            fields.report.add(
                "SYS001", node, f"{text!r} in system_packages is no name of a Debian package.",
                _remedy(text),
            )  # fmt: skip
    return tuple(text for text, _ in listed)


def _remedy(text: str) -> str:
    words = _PREFIX.sub("", text.strip().lower()).split()
    if words and all(map(package_name, words)):
        written = ", ".join(f'"{word}"' for word in words)
        return f"Did you mean {written}?"
    return 'Names are of small letters, digits, "+", "-" and ".": "libmagic1".'

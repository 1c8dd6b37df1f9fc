"""From the name that an import failed on to the package that has it: `cv2` is of opencv-python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions

from packaging.utils import canonicalize_name

from mixpeek_lab.requirements.python import check_dependencies, install_command

DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "Crypto": ("pycryptodome",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless",
            "opencv-contrib-python"),
    "dateutil": ("python-dateutil",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "magic": ("python-magic",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "PIL": ("pillow",),
    "pptx": ("python-pptx",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "umap": ("umap-learn",),
    "whisper": ("openai-whisper",),
    "yaml": ("pyyaml",),
    "google.genai": ("google-genai",),
    "google.cloud.storage": ("google-cloud-storage",),
    "google.protobuf": ("protobuf",),
}  # fmt: skip
"""Modules whose package has another name → that name, the usual one first."""

NAMESPACES = ("azure", "google", "opentelemetry")
"""Modules that many packages share: theirs are named after what stands below."""


def explain_missing_module(module: str, dependencies: Sequence[str]) -> str:
    """What to do where `import module` fails, in the manifest's terms: a sentence or two."""
    checked = check_dependencies(dependencies)
    names = list(_candidates(module))
    declared = next((d for d in checked if d.name in names), None)
    if declared is None:
        package = names[0]
        wanted = check_dependencies([package])
        return (
            f"`{package}` is not in `dependencies` either: add it there, and install it here: "
            f"{install_command(wanted)}"
        )
    if declared.state == "met":
        return (
            f"`{declared.requirement}` is in `dependencies` and version {declared.installed} is "
            f"installed, but it has no module {module!r}: is it of another version?"
        )
    lacking = [d for d in checked if d.state in ("missing", "other version")] or [declared]
    return (
        f"`{declared.requirement}` is in `dependencies` but not installed: "
        f"{install_command(lacking)}"
    )


def _candidates(module: str) -> Iterator[str]:
    """Packages that may have the module, the likeliest first."""
    parts = module.split(".")
    dotted = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    for name in dotted:
        yield from DISTRIBUTIONS.get(name, ())
    named = [canonicalize_name(name.replace(".", "-")) for name in dotted]
    yield from named if parts[0] in NAMESPACES else reversed(named)
    yield from (canonicalize_name(name) for name in _providers().get(parts[0], ()))


@cache
def _providers() -> Mapping[str, Sequence[str]]:
    """Top-level module → the installed packages that have it. Slow: it reads all their metadata."""
    return packages_distributions()

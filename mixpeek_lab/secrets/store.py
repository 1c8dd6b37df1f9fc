"""Where secrets are kept: encrypted in the lab's home, the key elsewhere.

Values are Fernet tokens (AES-128-CBC with HMAC-SHA256). The key is in `MIXPEEK_LAB_SECRETS_KEY`, or
in the user's configuration folder, made on first use: a home that is copied, archived or committed
takes no readable secret along.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import InvalidInputError, LabError, NotFoundError
from mixpeek_lab.private_files import write_private

KEY_VARIABLE = "MIXPEEK_LAB_SECRETS_KEY"
SHORTEST = 4
"""Characters of a secret at least: a shorter one could not be kept out of what is printed."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_FILE, _LOCK = "secrets.json", "secrets.lock"


def demand_name(name: str) -> None:
    """InvalidInputError for what is no secret's name. It is not repeated: a value may be in it."""
    if not _NAME.match(name):
        raise InvalidInputError(
            "A secret's name is letters, digits and _, like EXTERNAL_API_KEY. Its value is asked "
            "for, and has no place in the line: one that was typed there is in a history now."
        )


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets of one lab. Any number of processes may have it open."""

    home: Path
    key_file: Path = field(default_factory=lambda: key_path())
    """Where the key is, unless `MIXPEEK_LAB_SECRETS_KEY` has it."""

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`, in place of what was there.

        InvalidInputError for a name that is no identifier, and for a value that is no text of
        SHORTEST characters at least.
        """
        demand_name(name)
        if len(value.strip()) < SHORTEST:
            raise InvalidInputError(
                f"Secret {name}: its value must be a text of at least {SHORTEST} characters."
            )
        with self._changing() as tokens:
            tokens[name] = _cipher(self.key_file, make=True).encrypt(value.encode()).decode()

    def get(self, name: str) -> str:
        """One secret. NotFoundError where there is none; LabError where the key does not fit."""
        tokens = self._tokens()
        if name not in tokens:
            raise NotFoundError("secret", name, tokens, f"`%secret set {name}` sets it.")
        return self._decrypted(name, tokens[name])

    def delete(self, name: str) -> None:
        """Forget a secret. NotFoundError where there is none."""
        with self._changing() as tokens:
            if name not in tokens:
                raise NotFoundError("secret", name, tokens)
            del tokens[name]

    def names(self) -> list[str]:
        """The secrets' names, sorted."""
        return sorted(self._tokens())

    def values(self) -> dict[str, str]:
        """All secrets that the present key opens, by name, for keeping them out of texts."""
        found = {}
        for name, token in self._tokens().items():
            with suppress(LabError):
                found[name] = self._decrypted(name, token)
        return found

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever a secret does."""
        try:
            status = (self.home / _FILE).stat()
        except FileNotFoundError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino

    def _decrypted(self, name: str, token: str) -> str:
        from cryptography.fernet import InvalidToken

        try:
            value: bytes = _cipher(self.key_file).decrypt(token.encode())
        except InvalidToken as error:
            raise LabError(
                f"Secret {name} was kept under another key than the one in "
                f"{KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else self.key_file}. Set it "
                "again, or bring the other key back."
            ) from error
        return value.decode()

    def _tokens(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads((self.home / _FILE).read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise LabError(
                f"The secrets in {self.home / _FILE} cannot be read ({error}). "
                "Restore the file, or delete it and set the secrets again."
            ) from error
        return found

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The tokens, written whole and at once when the block ends without an error."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = self._tokens()
            yield tokens
            text = json.dumps(tokens, indent=1, sort_keys=True)
            write_private(self.home / _FILE, text, replace=True)


def key_path() -> Path:
    """The file that holds the key where the environment does not."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "mixpeek-lab" / "secrets.key"


def _cipher(path: Path, *, make: bool = False) -> Any:
    from cryptography.fernet import Fernet

    given = os.environ.get(KEY_VARIABLE)
    if not given and make and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, Fernet.generate_key().decode(), replace=False)
    where = KEY_VARIABLE if given else str(path)
    try:
        return Fernet((given or path.read_text()).strip())
    except FileNotFoundError as error:
        raise LabError(
            f"The key to this lab's secrets, {path}, is gone. Restore it or give it as "
            f"{KEY_VARIABLE}; otherwise set the secrets again."
        ) from error
    except (OSError, ValueError) as error:
        raise LabError(
            f"{where} does not hold a key for secrets: 32 bytes in URL-safe base64."
        ) from error

"""Addresses that may be used without the lab's token: signed, for one upload, for a while."""

from __future__ import annotations

import hmac
import secrets
import time
from pathlib import Path

from mixpeek_lab.errors import UnauthorizedError
from mixpeek_lab.private_files import write_private

STRANGE = (
    "This upload address is not one that the lab gave out: use its `presigned_url` as it stands, "
    "with everything behind the question mark."
)


class Signer:
    """Signs with a key of the home's own."""

    def __init__(self, home: Path) -> None:
        self._path = home / "upload.key"

    def query(self, upload_id: str, expires_at: int) -> str:
        """The part of the address that tells who may use it, and until when."""
        return f"expires={expires_at}&signature={self._sign(upload_id, str(expires_at))}"

    def demand(self, upload_id: str, expires: str, signature: str) -> None:
        """UnauthorizedError where the signature is not ours, or its time is over."""
        expected = self._sign(upload_id, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise UnauthorizedError(STRANGE)
        if int(expires) < time.time():
            raise UnauthorizedError("This upload address has expired: ask for a new upload.")

    def _sign(self, upload_id: str, expires: str) -> str:
        if not self._path.exists():
            write_private(self._path, secrets.token_hex(32), replace=False)
        key = self._path.read_text().strip().encode()
        return hmac.new(key, f"{upload_id}\0{expires}".encode(), "sha256").hexdigest()

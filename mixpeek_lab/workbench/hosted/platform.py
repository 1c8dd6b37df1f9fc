"""A platform's extractors: which path they are under, their records, uploads and deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO, TypeVar
from urllib.parse import quote, urljoin

from mixpeek_lab.errors import InvalidInputError, RemoteError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.hosted.wire import Wire

KINDS = ("extractors", "plugins")
"""What a platform calls them in its paths, the newer name first."""
ABSENT = (404, 405)
MOST_PAGES = 200

T = TypeVar("T")


@dataclass
class RemoteExtractors:
    """The extractors of one namespace. Raises RemoteError."""

    wire: Wire
    _kinds: dict[str, str] = field(default_factory=dict)
    """What is done → the path that answers for it."""

    @property
    def namespace(self) -> str:
        """The namespace that was named, or the only one that there is."""
        if not self.wire.address.namespace:
            told = replace(self.wire.address, namespace=self._only_namespace())
            self.wire = replace(self.wire, address=told)  # which every request names from now on
        return self.wire.address.namespace

    @property
    def place(self) -> str:
        """Where this is, for people and for the catalog."""
        return f"{self.wire.address.url} {self.namespace}"

    def records(self) -> Iterator[Mapping[str, JSON]]:
        """The record of every version there is, in the order that the platform lists them."""
        for page in range(1, MOST_PAGES + 1):
            told = self._call("list", "GET", f"?page={page}&page_size=100")
            found = told.get("results") or told.get("extractors") or told.get("plugins") or []
            yield from (record for record in found if isinstance(record, dict))
            pages = told.get("pagination")
            last = pages.get("total_pages") if isinstance(pages, dict) else None
            if not found or page >= int(last or 1):
                return

    def get(self, extractor_id: str) -> dict[str, JSON] | None:
        """One version; None where there is none."""
        try:
            return self._call("look up", "GET", f"/{quote(extractor_id, safe='')}")
        except RemoteError as error:
            if error.answered == 404:
                return None
            raise

    def create_upload(self, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """Ask for an address to send an archive to."""
        return self._call("ask for an upload", "POST", "/uploads", dict(body))

    def confirm(self, upload_id: str, body: Mapping[str, JSON], key: str) -> dict[str, JSON]:
        """Have what arrived checked and made an extractor. What it finds is in the answer."""
        path = f"/uploads/{quote(upload_id, safe='')}/confirm"
        return self._call("confirm", "POST", path, dict(body), key)

    def deploy(self, extractor_id: str, kind: str | None, key: str) -> dict[str, JSON]:
        """Have it served."""
        query = f"?deployment_type={kind}" if kind else ""
        return self._call("deploy", "POST", f"/{quote(extractor_id, safe='')}/deploy{query}",
                          None, key)  # fmt: skip

    def status(self, extractor_id: str) -> dict[str, JSON]:
        """Whether it is served."""
        return self._call("status", "GET", f"/{quote(extractor_id, safe='')}/status")

    def download(self, extractor_id: str, record: Mapping[str, JSON], out: BinaryIO) -> None:
        """Write the archive of a version to `out`: from where its record says, else its own path.

        RemoteError where the platform does not give packages back.
        """
        told = next((record[k] for k in ("archive_url", "download_url") if record.get(k)), None)
        if isinstance(told, str):
            self.wire.download("download", urljoin(f"{self.wire.address.url}/", told), out)
            return

        def fetch(kind: str) -> None:
            path = f"/v1/namespaces/{self._quoted}/{kind}/{quote(extractor_id, safe='')}/archive"
            self.wire.download("download", self.wire.address.url + path, out)

        try:
            self._routed("download", fetch)
        except RemoteError as error:
            if error.answered not in ABSENT:
                raise
            raise RemoteError(
                "download",
                f"{self.place} does not give the package of {extractor_id} back: it has neither "
                "an address in its record nor an archive of its own. Pull it from the lab that "
                "pushed it.",
                error.answered,
            ) from None

    # ------------------------------------------------------------ inside

    @property
    def _quoted(self) -> str:
        return quote(self.namespace, safe="")

    def _call(
        self, step: str, method: str, path: str, body: JSON = None, key: str = ""
    ) -> dict[str, JSON]:
        def ask(kind: str) -> dict[str, JSON]:
            where = f"/namespaces/{self._quoted}/{kind}{path}"
            return self.wire.call(step, method, where, body, key=key)

        return self._routed(step, ask)

    def _routed(self, step: str, ask: Callable[[str], T]) -> T:
        """Ask under the newer path and, where that is not there, under the older one."""
        if step in self._kinds:
            return ask(self._kinds[step])
        first: RemoteError | None = None
        for kind in KINDS:
            try:
                found = ask(kind)
            except RemoteError as error:
                if error.answered not in ABSENT:
                    raise
                first = first or error
            else:
                self._kinds[step] = kind
                return found
        assert first is not None
        raise first

    def _only_namespace(self) -> str:
        told = self.wire.call("look for namespaces", "GET", "/namespaces").get("results")
        ids = [
            str(each.get("namespace_id") or each.get("namespace_name"))
            for each in (told if isinstance(told, list) else []) if isinstance(each, dict)
        ]  # fmt: skip
        if len(ids) != 1:
            known = ", ".join(ids[:8]) or "none that the key may see"
            raise InvalidInputError(
                f"{self.wire.address.url} has several namespaces, or none: {known}. Say which: "
                "--namespace NS, or MIXPEEK_NAMESPACE."
            )
        return ids[0]

"""Moving extractors to and from another platform: the hosted one, or another lab."""

from __future__ import annotations

import time
from collections.abc import Callable

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.errors import ConflictError, InvalidInputError
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.hosted.address import read_address
from mixpeek_lab.workbench.hosted.platform import RemoteExtractors
from mixpeek_lab.workbench.hosted.pulling import Pulled, pull
from mixpeek_lab.workbench.hosted.pushing import OnStep, Pushed, Pusher
from mixpeek_lab.workbench.hosted.wire import Patience, Wire
from mixpeek_lab.workbench.refs import HEAD, find_version, split_ref
from mixpeek_lab.workbench.versions import Versions


class Hosted:
    """`lab.hosted`. The key is read from `MIXPEEK_API_KEY`, or the lab's secret of that name."""

    def __init__(
        self,
        catalog: Catalog,
        home: Home,
        versions: Versions,
        patience: Patience | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pause` waits for so many seconds: between tries, and between looks at a state."""
        self._catalog, self._home, self._versions = catalog, home, versions
        self._patience, self._pause = patience or Patience(), pause

    def push(
        self,
        name: str,
        to: str,
        *,
        namespace: str | None = None,
        deploy: bool = False,
        batch_only: bool = False,
        on_step: OnStep = lambda _: None,
    ) -> Pushed:
        """Send a committed version (the head, or `name@ref`) to the platform at `to`.

        With `deploy` it is served there, and this waits until it is; with `batch_only` it is made
        ready for batches alone. What arrived in an earlier try is not sent again. RemoteError,
        which names the step that failed; InvalidInputError where nothing is committed, or there
        is no key.
        """
        plain, ref = split_ref(name)
        record = find_version(self._catalog, plain, ref or HEAD)
        commit = self._catalog.commit(plain, digest=record.source.digest)
        if commit is None:
            raise InvalidInputError(
                f"{name} is not committed: only versions are pushed. "
                f'`%extractor commit {plain} -m "…"` first.'
            )
        if ref is None and self._versions.status(plain).has_changes:
            on_step(
                f"{plain} has changes that are not committed: they stay here. "
                f"Version {commit.version} goes."
            )
        pusher = Pusher(self._catalog, self._remote(to, namespace), record, commit, on_step)
        return pusher.push(deploy=deploy or batch_only, batch_only=batch_only)

    def pull(
        self,
        name: str,
        source: str,
        *,
        namespace: str | None = None,
        force: bool = False,
    ) -> Pulled:
        """Bring a version (the newest, or `name@ref`) here from the platform at `source`.

        It is read and checked, not run; committed under its number, and made the working state.
        ConflictError where that has changes that are not committed (unless `force`), or where
        other contents have the number here.
        """
        plain, ref = split_ref(name)
        if not force and self._has_changes(plain):
            raise ConflictError(
                f"{plain} has changes here that are not committed: `%extractor commit {plain} "
                '-m "…"` keeps them, `--force` leaves them.'
            )
        pulled = pull(self._catalog, self._remote(source, namespace), plain, ref)
        self._versions.checkout(plain, pulled.commit.version, force=True)
        return pulled

    def _has_changes(self, name: str) -> bool:
        is_here = any(record.manifest.name == name for record in self._catalog.extractors())
        return is_here and self._versions.status(name).has_changes

    def _remote(self, url: str, namespace: str | None) -> RemoteExtractors:
        address = read_address(url, self._home.path, namespace)
        return RemoteExtractors(Wire(address, self._patience, self._pause))

"""What answers over HTTP: the endpoint, and the services of extractors behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpeek_lab.sidebar.item import Item, Listing, fitting, name_fields, page, shown_time
from mixpeek_lab.sidebar.versions import can_serve
from mixpeek_lab.workbench.overview import NOT_SERVED

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Deployment
    from mixpeek_lab.workbench import Lab

_STATES = {
    "DEPLOYED": ("ok", "served"),
    "FAILED": ("error", "failed"),
    "QUEUED": ("busy", "waits for its turn"),
}
_LOADS = ("busy", "loads")


def endpoints(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    """The endpoint itself, then what is served or on its way."""
    versions = _versions(lab)
    loading, kept = dict.fromkeys(lab.overview.loading()), lab.work.deployments()
    url = lab.overview.glance().url
    items = [
        _service(one, versions, "loads" if (one.name, one.digest) in loading else "", url, lab)
        for one in kept
    ]
    known = {(one.name, one.digest) for one in kept}
    items += [_new(*one, versions) for one in loading if one not in known]
    if url:
        items.insert(0, _gateway(url, lab))
    return page(fitting(items, lambda item: item.name, wanted), offset, limit, lambda item: item)


def told_kernel(why: str) -> str:
    """What the section says where the kernel answers, and why it does."""
    return (
        f"The kernel answers here, and no HTTP endpoint runs: {why}. Searches, the "
        "playground and extractors are asked in this notebook. Where Ray fits, set "
        "MIXPEEK_LAB_ENGINE=ray and restart the kernel."
    )


def _versions(lab: Lab) -> dict[str, str]:
    """Digest → version, of what is served or loads."""
    named = {one.name for one in lab.work.deployments()} | {n for n, _ in lab.overview.loading()}
    current = [record for record in lab.extractors() if record.manifest.name in named]
    committed = [c for record in current for c in lab.versions.log(record.manifest.name).commits]
    return {r.source.digest: r.manifest.version for r in current} | {
        commit.digest: commit.version for commit in committed
    }


def _gateway(url: str, lab: Lab) -> Item:
    facts = (("Address", url), ("Home", str(lab.home)), ("Token", "lab.token, in a cell"))
    without = ("ask", "deploy", "undeploy", "reference")
    return Item("gateway", "HTTP API", url.removeprefix("http://"), "ok", "ready", facts,
                {"url": url}, without)  # fmt: skip


def _new(name: str, digest: str, versions: dict[str, str]) -> Item:
    """A service that loads for the first time: nothing is noted of it yet."""
    shown = versions.get(digest, digest[:12])
    without = ("url", "ask", "deploy", "undeploy", "stop")
    return Item(f"{name}@{digest}", name, shown, *_LOADS, (("Version", shown),),
                _fields(name, shown, ""), without)  # fmt: skip


def _service(
    deployment: Deployment, versions: dict[str, str], now: str, url: str, lab: Lab
) -> Item:
    state, note = _LOADS if now else _STATES.get(deployment.state, _LOADS)
    if not now and deployment.state != "FAILED" and not url:
        state, note = "", NOT_SERVED
    if not can_serve(lab):
        state, note = "", "served by Ray alone: the kernel answers here"
    known = deployment.digest in versions
    shown = versions.get(deployment.digest, deployment.digest[:12])
    facts = (
        ("Version", shown),
        *([("Error", deployment.error)] if deployment.error else []),
        ("Asked for", shown_time(deployment.requested_at)),
        *([("Attempts", str(deployment.attempts))] if deployment.attempts > 1 else []),
    )
    can = {
        "url": bool(url),
        "ask": known,
        "stop": False,
        "deploy": known and can_serve(lab) and state in ("error", ""),
        "undeploy": state != "busy",
    }
    return Item(
        f"{deployment.name}@{deployment.digest}", deployment.name, shown, state, note, facts,
        _fields(deployment.name, shown, url),
        tuple(action for action, is_there in can.items() if not is_there),
    )  # fmt: skip


def _fields(name: str, version: str, url: str) -> dict[str, str]:
    reference = f"{name}@{version}"
    about = {"reference": reference, "python_reference": repr(reference)}
    return {**name_fields(name), **about, "url": f"{url}/v1/inference"}

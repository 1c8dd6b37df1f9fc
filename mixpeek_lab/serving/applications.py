"""Ray Serve, as the endpoint uses it: whose it is, applications up and down.

What is imported from below `ray.serve._private` has no public way; it is used here alone.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

SMALL = {"_by_reference": False}
"""Options of handles whose calls carry little: gRPC takes them straight to the replica, without the
object store."""


def ray_session() -> str:
    """What tells this process's Ray session from the one before; empty while there is none."""
    import ray

    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""


def is_serve_running() -> bool:
    """Whether Serve runs in this Ray session."""
    import ray
    from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE

    try:
        ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
    except ValueError:
        return False
    return True


def start_serve() -> None:
    """Start Serve without its HTTP proxy: the gateway answers itself."""
    from ray import serve
    from ray.serve.config import ProxyLocation

    _quiet()
    serve.start(proxy_location=ProxyLocation.Disabled, logging_config=_silent())
    _quiet()


def stop_serve() -> None:
    """Take all of Serve down."""
    from ray import serve

    serve.shutdown()


def run(application: Any, name: str) -> Any:
    """Deploy an application and wait until it is healthy; returns its handle."""
    from ray import serve

    _quiet()
    handle = serve.run(application, name=name, route_prefix=None, logging_config=_silent())
    return handle.options(**SMALL)


def launch(application: Any, name: str) -> None:
    """Have an application deployed. Returns at once: `states` tells how far it is."""
    from ray import serve

    _quiet()
    target = serve.RunTarget(application, name, route_prefix=None, logging_config=_silent())
    serve.run_many([target], wait_for_applications_running=False,
                   wait_for_ingress_deployment_creation=False)  # fmt: skip


def connect(name: str) -> Any:
    """A replica's handle of an application, for coroutines on the event loop running now.

    Its calls are routed on this loop, not in a thread of their own, which costs a millisecond.
    """
    from ray import serve

    handle = serve.get_app_handle(name)
    handle._init(_run_router_in_separate_loop=False)
    return handle.options(**SMALL)


def end_work(gateway: Any) -> None:
    """Have a gateway end its worker; one that does not answer takes it along when it goes."""
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    with suppress(RayError, RayServeException, TimeoutError):
        gateway.end_work.remote().result(timeout_s=5.0)


def delete(name: str, *, wait: bool = True) -> None:
    """Take an application down, if it is there; without `wait`, have it taken down."""
    from ray import serve

    serve.delete(name, _blocking=wait)


def states() -> dict[str, tuple[str, str]]:
    """Application → its state as Serve names it (RUNNING, DEPLOYING, …), and what Serve says."""
    from ray import serve

    return {
        name: (str(found.status.value), found.message)
        for name, found in serve.status().applications.items()
    }


def handle_of(name: str) -> Any:
    """The handle of an application that runs."""
    from ray import serve

    return serve.get_app_handle(name).options(**SMALL)


def failure(name: str) -> str:
    """The last line of what Serve says of an application that did not come up."""
    from ray import serve

    found = serve.status().applications.get(name)
    if found is None:
        return ""
    texts = [found.message, *(d.message for d in found.deployments.values())]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _silent() -> Any:
    from ray.serve.schema import LoggingConfig

    return LoggingConfig(log_level="ERROR", enable_access_log=False)


def _quiet() -> None:
    logging.getLogger("ray.serve").setLevel(logging.ERROR)

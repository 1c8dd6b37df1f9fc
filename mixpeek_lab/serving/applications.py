"""Ray Serve, as the endpoint uses it: whose it is, where it answers, applications up and down.

What is imported from below `ray.serve._private` and `ray.serve.context` has no public way; it is
used here alone.
"""

from __future__ import annotations

import logging
from typing import Any

from mixpeek_lab.errors import EngineError
from mixpeek_lab.serving import ports


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


def start_serve(port: int) -> None:
    """Start Serve with its HTTP proxy on loopback. EngineError where the port is taken."""
    from ray import serve
    from ray.serve.config import HTTPOptions

    options = HTTPOptions(host=ports.HOST, port=ports.claim(port))
    _quiet()
    serve.start(http_options=options, logging_config=_silent())
    _quiet()


def stop_serve() -> None:
    """Take all of Serve down."""
    from ray import serve

    serve.shutdown()


def proxy_url() -> str:
    """Where the HTTP proxy answers, as seen from this machine. EngineError where there is none."""
    from ray.serve.context import _get_global_client

    http = _get_global_client().http_config
    if http.host is None or getattr(http.location, "value", "") == "Disabled":
        raise EngineError(
            "Ray Serve runs here without an HTTP proxy, so the lab's endpoint has no address. "
            "Run serve.shutdown(), and the lab starts its own; or start yours with one."
        )
    scheme = "https" if http.ssl_keyfile else "http"
    host = ports.HOST if http.host in ("0.0.0.0", "::", "::1", "localhost") else http.host
    return f"{scheme}://{host}:{http.port}{http.root_path.rstrip('/')}"


def run(application: Any, name: str, prefix: str | None = None) -> Any:
    """Deploy an application and wait until it is healthy; returns its handle."""
    from ray import serve

    _quiet()
    handle = serve.run(application, name=name, route_prefix=prefix, logging_config=_silent())
    # gRPC straight to the replica: what travels is small and needs no object store.
    return handle.options(_by_reference=False)


def delete(name: str) -> None:
    """Take an application down, if it is there."""
    from ray import serve

    serve.delete(name)


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

"""Ray Serve: the lab's HTTP endpoint, and one deployment per deployed extractor version."""

from mixpeek_lab.serving.endpoint import Endpoint, GatewayConfig, State

__all__ = ["Endpoint", "GatewayConfig", "State"]

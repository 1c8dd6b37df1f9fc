"""Ray Serve: the lab's HTTP endpoint, and one deployment per deployed extractor version."""

from mixpeek_lab.serving.endpoint import Endpoint, GatewayConfig
from mixpeek_lab.serving.services import service_name

__all__ = ["Endpoint", "GatewayConfig", "service_name"]

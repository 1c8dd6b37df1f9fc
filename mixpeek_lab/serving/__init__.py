"""Ray Serve: the lab's HTTP endpoint, and one deployment per deployed extractor version."""

from mixpeek_lab.serving.endpoint import Endpoint, GatewayConfig, State
from mixpeek_lab.serving.ports import demand_free
from mixpeek_lab.serving.rollout import roll_out
from mixpeek_lab.serving.running import running_services, take_down

__all__ = [
    "Endpoint",
    "GatewayConfig",
    "State",
    "demand_free",
    "roll_out",
    "running_services",
    "take_down",
]

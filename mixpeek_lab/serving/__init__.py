"""Ray Serve: the lab's HTTP endpoint, and one deployment per deployed extractor version."""

from mixpeek_lab.serving.applications import ray_session
from mixpeek_lab.serving.endpoint import Endpoint, GatewayConfig, State
from mixpeek_lab.serving.helpers import Helper, HelperDiedError
from mixpeek_lab.serving.home_services import HomeServices
from mixpeek_lab.serving.ports import demand_free
from mixpeek_lab.serving.rollout import Rollout, load_seconds, roll_out
from mixpeek_lab.serving.running import have_taken_down, running_services, take_down
from mixpeek_lab.serving.services import ServiceConfig

__all__ = [
    "Endpoint",
    "GatewayConfig",
    "Helper",
    "HelperDiedError",
    "HomeServices",
    "Rollout",
    "ServiceConfig",
    "State",
    "demand_free",
    "have_taken_down",
    "load_seconds",
    "ray_session",
    "roll_out",
    "running_services",
    "take_down",
]

"""The REST API: routes over a backend, one file per resource. Served by `serving.Gateway`."""

from mixpeek_lab.api.app import create_app

__all__ = ["create_app"]

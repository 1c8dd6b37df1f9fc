"""The version, read from the installed distribution: pyproject.toml has the only copy."""

from importlib.metadata import version

__version__ = version("mixpeek-lab")

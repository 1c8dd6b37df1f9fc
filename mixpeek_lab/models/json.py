"""The type of values that JSON can hold."""

from __future__ import annotations

from typing import Any

JSON = Any
"""A value made of dict, list, str, int, float, bool and None."""

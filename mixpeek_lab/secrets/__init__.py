"""Secrets: encrypted at rest, and never shown by what the lab prints."""

from mixpeek_lab.secrets.redaction import redact, redacted, watch
from mixpeek_lab.secrets.store import SecretStore, demand_name
from mixpeek_lab.secrets.streams import guard_again, guard_process

__all__ = [
    "SecretStore",
    "demand_name",
    "guard_again",
    "guard_process",
    "redact",
    "redacted",
    "watch",
]

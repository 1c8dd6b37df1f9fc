"""Realtime services loaded in this process, for `Lab.search` and `Lab.infer`."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.addresses import check_request, find_extractor, ref_of, with_index
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.search import Prepared, Vectors
from mixpeek_lab.workbench.sources import Service

if TYPE_CHECKING:
    from mixpeek_lab.loader import RealtimeService

MOST_LOADED = 4
"""Realtime services that the kernel keeps loaded: each may hold a model."""


class KernelServices:
    """Loads services when they are asked, and keeps the last few."""

    def __init__(self, catalog: Catalog, home: Home) -> None:
        self._catalog, self._home = catalog, home
        self._loaded: OrderedDict[tuple[str, str], RealtimeService] = OrderedDict()
        self._lock = threading.RLock()

    def load(self, prepared: Prepared) -> float:
        """Load what embeds the query, with its model, if it was not; the milliseconds that this
        took, or 0. ExtractorError where an extractor's code fails.
        """
        begun, is_new = time.perf_counter(), False
        for embed in prepared.embeds:
            service = prepared.service(embed)
            is_new = _key(service) not in self._loaded or is_new
            is_new = self.loaded(service).prepare_sync() or is_new
        return (time.perf_counter() - begun) * 1e3 if is_new else 0.0

    def embed(self, prepared: Prepared) -> Vectors:
        """The vectors that the query needs. ExtractorError where an extractor's code fails."""
        answers = []
        for embed in prepared.embeds:
            service = prepared.service(embed)
            answers.append(self.loaded(service).infer_sync(embed.inputs, service.parameters))
        return prepared.vectors(answers)

    def ask(self, service: Service, inputs: Sequence[Mapping[str, JSON]]) -> list[dict[str, Any]]:
        """A service's answers to several inputs, in their order. ExtractorError where it fails."""
        return self.loaded(service).infer_all_sync(inputs, service.parameters)

    def infer(
        self, extractor: str, inputs: Mapping[str, JSON], parameters: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        """One answer of an extractor, checked against the contract of its inference_type."""
        from mixpeek_lab.loader.contracts import check_answer

        check_request(inputs, parameters)
        record, feature = find_extractor(self._catalog, ref_of(extractor))
        asked = with_index(record.manifest, inputs, feature)
        service = Service(record.manifest.name, record.source.digest, parameters)
        [answer] = self.ask(service, [asked])
        return check_answer(record.manifest, asked, answer, feature)

    def loaded(self, wanted: Service) -> RealtimeService:
        """The service, loaded if it was not. ExtractorError where its code does not load."""
        from mixpeek_lab.loader import load_service

        key = _key(wanted)
        with self._lock:
            if key not in self._loaded:
                source = self._catalog.extractor(wanted.extractor, digest=wanted.digest).source
                self._loaded[key] = load_service(source, self._home.path)
                if len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]


def _key(service: Service) -> tuple[str, str]:
    return service.extractor, service.digest

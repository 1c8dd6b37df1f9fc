"""Loading an extractor from its source: modules, processors, pipeline steps, realtime service."""

from __future__ import annotations

from mixpeek_lab.loader.classes import ClassRef
from mixpeek_lab.loader.mappings import InputSource
from mixpeek_lab.loader.modules import load_module
from mixpeek_lab.loader.pipelines import BuiltPipeline, build_steps
from mixpeek_lab.loader.query_vectors import query_vector
from mixpeek_lab.loader.realtime import RealtimeService, gathered, load_service
from mixpeek_lab.loader.schemas import Schema, Schemas, load_schemas
from mixpeek_lab.loader.steps import ProcessorStep

__all__ = [
    "BuiltPipeline",
    "ClassRef",
    "InputSource",
    "ProcessorStep",
    "RealtimeService",
    "Schema",
    "Schemas",
    "build_steps",
    "gathered",
    "load_module",
    "load_schemas",
    "load_service",
    "query_vector",
]

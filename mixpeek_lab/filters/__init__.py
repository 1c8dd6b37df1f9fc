"""Metadata filters: one grammar, evaluated on a document or on Arrow columns, equal by test.

{"AND": [{"field": "year", "operator": "gte", "value": 2020},
         {"NOT": {"field": "form", "operator": "in", "value": ["8-K"]}}]}
"""

from mixpeek_lab.filters.conditions import AllOf, AnyOf, Condition, Filter, NoneOf, join
from mixpeek_lab.filters.grammar import OPERATORS, parse_filter
from mixpeek_lab.filters.templates import check_template, has_template, render, shared_seconds

__all__ = [
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Condition",
    "Filter",
    "NoneOf",
    "check_template",
    "has_template",
    "join",
    "parse_filter",
    "render",
    "shared_seconds",
]

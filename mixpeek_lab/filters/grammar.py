"""The grammar of filters: what is written, checked and turned into conditions.

Errors name the place as a path: `filters.AND[1].operator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import isfinite

from mixpeek_lab.errors import FilterError, nearest
from mixpeek_lab.filters.conditions import AllOf, AnyOf, Condition, Filter, NoneOf
from mixpeek_lab.filters.templates import has_template
from mixpeek_lab.filters.values import path_problem
from mixpeek_lab.models import JSON

OPERATORS = (
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "is_null",
    "contains", "starts_with", "ends_with", "regex",
)  # fmt: skip
_GROUPS: Mapping[str, type[AllOf] | type[AnyOf] | type[NoneOf]] = {
    "AND": AllOf,
    "OR": AnyOf,
    "NOT": NoneOf,
}
_LEAF_KEYS = ("field", "operator", "value", "case_sensitive")
_SPELLINGS = {
    "=": "eq", "==": "eq", "equals": "eq", "!=": "ne", "not_equals": "ne", "not_in": "nin",
    ">": "gt", "greater_than": "gt", ">=": "gte", "<": "lt", "less_than": "lt", "<=": "lte",
    "like": "contains", "matches": "regex", "null": "is_null",
}  # fmt: skip
_DEEPEST = 32
MOST_CONDITIONS = 1000
"""Conditions and groups of one filter."""
MOST_VALUES = 10_000
"""Values of `in` and `nin`."""
MOST_PATTERNS = 16
"""Conditions with a regular expression in one filter."""
MOST_PATTERN = 1000
"""Characters of a regular expression."""


def parse_filter(obj: JSON, where: str = "filters") -> Filter | None:
    """Read a filter; None and `{}` are no filter.

    Accepts a condition, `AND`, `OR`, `NOT` (a list, or one object; several of the three in one
    object must all hold; NOT of a list: none of it holds), and the short form
    `{"field": value}` for equality. `case_sensitive` beside a group is the default of the
    conditions in it. Raises FilterError with the path of what is wrong.
    """
    if obj is None or obj == {}:
        return None
    _check_breadth(obj, where)
    return _parse(obj, where, case_sensitive=False, depth=0)


def _check_breadth(obj: JSON, where: str) -> None:
    """FilterError for a filter of too many parts, before any of them is read."""
    left, count, patterns = [obj], 0, 0
    while left:
        one = left.pop()
        if isinstance(one, list | tuple):
            left += one
            continue
        is_short = isinstance(one, Mapping) and "field" not in one and not _GROUPS.keys() & one
        count += len(one) if is_short else 1
        if isinstance(one, Mapping) and "field" not in one:
            left += [one[name] for name in _GROUPS if name in one]
        if count > MOST_CONDITIONS:
            raise FilterError(
                f"{where}: a filter has {MOST_CONDITIONS:,} conditions and groups at most."
            )
        patterns += isinstance(one, Mapping) and one.get("operator") == "regex"
        if patterns > MOST_PATTERNS:
            raise FilterError(f"{where}: a filter has {MOST_PATTERNS} regex conditions at most.")


def parse_condition(obj: Mapping[str, JSON], where: str, default: bool = False) -> Condition:
    """Read one `{field, operator, value, case_sensitive}`. Raises FilterError."""
    _check_keys(obj, _LEAF_KEYS, where)
    field = obj.get("field")
    if not isinstance(field, str) or not field:
        raise FilterError(f"{where}.field: a condition needs the name of a field.")
    if problem := path_problem(field):
        raise FilterError(f"{where}.field: {problem}.")
    operator = _operator(obj.get("operator", "eq"), f"{where}.operator")
    case_sensitive = _flag(obj.get("case_sensitive", default), f"{where}.case_sensitive")
    if "value" not in obj and operator not in ("exists", "is_null"):
        raise FilterError(f"{where}.value: {operator} needs a value.")
    value = _value(operator, obj.get("value", True), f"{where}.value")
    return Condition(field, operator, value, case_sensitive)


def _parse(obj: JSON, where: str, case_sensitive: bool, depth: int) -> Filter:
    if depth > _DEEPEST:
        raise FilterError(f"{where}: filters nest at most {_DEEPEST} levels deep.")
    if not isinstance(obj, Mapping):
        hint = " Write {'AND': [...]} for a list of conditions." if isinstance(obj, list) else ""
        raise FilterError(f"{where}: expected an object, got {type(obj).__name__}.{hint}")
    if "field" in obj:
        return parse_condition(obj, where, case_sensitive)
    if any(key in _GROUPS for key in obj):
        return _group(obj, where, case_sensitive, depth)
    return _short_form(obj, where, case_sensitive)


def _group(obj: Mapping[str, JSON], where: str, case_sensitive: bool, depth: int) -> Filter:
    _check_keys(obj, (*_GROUPS, "case_sensitive"), where)
    case_sensitive = _flag(obj.get("case_sensitive", case_sensitive), f"{where}.case_sensitive")
    groups: list[Filter] = []
    for name, kind in _GROUPS.items():
        # The generated client sends absent groups as null.
        if obj.get(name) is not None:
            parts = _parts(obj[name], name, f"{where}.{name}", case_sensitive, depth)
            groups.append(kind(parts))
    return groups[0] if len(groups) == 1 else AllOf(tuple(groups))


def _parts(
    entries: JSON, name: str, where: str, case_sensitive: bool, depth: int
) -> tuple[Filter, ...]:
    if isinstance(entries, Mapping) and name == "NOT":
        return (_parse(entries, where, case_sensitive, depth + 1),)
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise FilterError(f"{where}: expected a list of conditions.")
    if name == "OR" and not entries:
        raise FilterError(
            f"{where}: OR needs at least one condition; an empty one matches nothing."
        )
    return tuple(
        _parse(entry, f"{where}[{i}]", case_sensitive, depth + 1) for i, entry in enumerate(entries)
    )


def _short_form(obj: Mapping[str, JSON], where: str, case_sensitive: bool) -> Filter:
    """`{"form": "10-K", "year": 2024}`: equality, all of them."""
    if not obj:
        raise FilterError(f"{where}: an empty condition. Leave it out, or name a field.")
    conditions: list[Filter] = []
    for key, value in obj.items():
        known = (*_GROUPS, *_LEAF_KEYS)
        close = nearest(key, known, cutoff=0.75)
        if str(key).upper() in _GROUPS:
            close = str(key).upper()
        if close and (len(obj) > 1 or not _is_scalar(value)):
            raise FilterError(f"{where}.{key}: not a key of a filter. Did you mean {close!r}?")
        if not _is_scalar(value):
            raise FilterError(
                f"{where}.{key}: expected one value to compare with. Write "
                f'{{"field": "{key}", "operator": "in", "value": …}} for anything else.'
            )
        conditions.append(
            parse_condition(
                {"field": key, "value": value, "case_sensitive": case_sensitive}, f"{where}.{key}"
            )
        )
    return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))


def _check_keys(obj: Mapping[str, JSON], known: Sequence[str], where: str) -> None:
    for key in obj:
        if key not in known:
            close = nearest(key, known)
            hint = f"Did you mean {close!r}?" if close else f"It takes {', '.join(known)}."
            raise FilterError(f"{where}.{key}: unknown key. {hint}")


def _operator(name: JSON, where: str) -> str:
    if name in OPERATORS:
        return str(name)
    text = str(name).lower().lstrip("$")
    close = nearest(_SPELLINGS.get(text, text), OPERATORS)
    hint = f" Did you mean {close!r}?" if close else ""
    raise FilterError(
        f"{where}: there is no operator {name!r}.{hint} There is: {', '.join(OPERATORS)}."
    )


def _flag(value: JSON, where: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise FilterError(f"{where}: expected true or false, got {value!r}.")
    return value


# ---------------------------------------------------------------- values, per operator


def _is_scalar(value: JSON) -> bool:
    return value is None or isinstance(value, str | int | float | bool | date)


def _value(operator: str, value: JSON, where: str) -> JSON:
    if isinstance(value, str) and has_template(value):
        return value
    return _CHECKS[operator](operator, value, where)


def _scalar(operator: str, value: JSON, where: str) -> JSON:
    if not _is_scalar(value):
        raise FilterError(f"{where}: {operator} takes one value, got {type(value).__name__}.")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        raise FilterError(f"{where}: {value} is not a number to compare with.")
    return value


def _ordered(operator: str, value: JSON, where: str) -> JSON:
    found = _scalar(operator, value, where)
    if found is None or isinstance(found, bool):
        raise FilterError(
            f"{where}: {operator} needs a number, a text or an ISO date, got {found}."
        )
    return found


def _list(operator: str, value: JSON, where: str) -> JSON:
    if isinstance(value, str) or not isinstance(value, Sequence | set | frozenset):
        raise FilterError(f"{where}: {operator} needs a list of values, got {value!r}.")
    if len(value) > MOST_VALUES:
        raise FilterError(f"{where}: {operator} takes {MOST_VALUES:,} values at most.")
    return tuple(
        entry if has_template(entry) else _scalar(operator, entry, f"{where}[{i}]")
        for i, entry in enumerate(value)
    )


def _truth(_operator: str, value: JSON, where: str) -> JSON:
    return True if value is None else _flag(value, where)


def _member(operator: str, value: JSON, where: str) -> JSON:
    found = _scalar(operator, value, where)
    if found is None:
        raise FilterError(f"{where}: {operator} needs a value to look for.")
    return found


def _text(operator: str, value: JSON, where: str) -> JSON:
    if not isinstance(value, str):
        raise FilterError(f"{where}: {operator} needs a text, got {value!r}.")
    return value


def _pattern(operator: str, value: JSON, where: str) -> JSON:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text(operator, value, where)
    if len(text) > MOST_PATTERN:
        raise FilterError(f"{where}: a pattern has {MOST_PATTERN:,} characters at most.")
    try:
        pc.match_substring_regex(pa.array([""]), text)
    except pa.ArrowInvalid as error:
        raise FilterError(
            f"{where}: {text!r} is not a regular expression in RE2's syntax "
            f"(no look-around, no back-references): {error}"
        ) from error
    return text


_CHECKS: Mapping[str, Callable[[str, JSON, str], JSON]] = {
    "eq": _scalar, "ne": _scalar, "gt": _ordered, "gte": _ordered, "lt": _ordered,
    "lte": _ordered, "in": _list, "nin": _list, "exists": _truth, "is_null": _truth,
    "contains": _member, "starts_with": _text, "ends_with": _text, "regex": _pattern,
}  # fmt: skip

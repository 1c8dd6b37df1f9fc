"""Each stage that filters, sorts, reduces or reshapes, against plain Python on random documents."""

from __future__ import annotations

import importlib
import inspect
import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from mixpeek_lab.errors import InvalidInputError, LLMSchemaError, RetrieverError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import Hit
from mixpeek_lab.retrievers import Reach, parse_retriever, plain
from mixpeek_lab.retrievers.stages import AVAILABLE, Outcome, StageContext

SEEDS = range(20)
WORDS = ("river", "boat", "money", "bank", "fox")


def documents(chance: Random, most: int = 30) -> list[Hit]:
    """Hits with ties and holes: numbers, texts, lists, objects, missing and null fields."""
    found = []
    for i in range(chance.randrange(most)):
        fields: dict[str, Any] = {"i": i}
        if chance.random() < 0.8:
            fields["n"] = chance.choice([None, 1, 1.0, 2, 2.5, -3, 0])
        if chance.random() < 0.8:
            fields["kind"] = chance.choice(["a", "A", "b", "c", None])
        if chance.random() < 0.7:
            fields["tags"] = chance.choices(WORDS, k=chance.randrange(4))
        if chance.random() < 0.7:
            fields["meta"] = {"year": chance.choice([2020, 2021, "2021", None])}
        if chance.random() < 0.9:
            fields["data"] = " ".join(chance.choices(WORDS, k=chance.randrange(5)))
        if chance.random() < 0.3:
            fields["mixed"] = chance.choice([True, 3, "3", 2.5, None, ["x"]])
        score = chance.choice([0.1, 0.2, 0.2, 0.5, -1.0])
        lineage = {"source_object_id": f"o{i % 3}"}
        found.append(Hit(f"d{i}", "col", i + 1, score, fields, lineage))
    return found


def run(
    stage_id: str, hits: Sequence[Hit], inputs: Mapping[str, Any] | None = None,
    vectors: Any = None, infer: Any = None, **parameters: Any,
) -> Outcome:  # fmt: skip
    """What a stage makes of the hits, its parameters read as a user writes them."""
    body = {"collection": "c", "searches": [{"lexical": True}], "stages": [{stage_id: parameters}]}
    [spec] = parse_retriever(body, "r").stages
    stored = json.loads(json.dumps(parse_retriever(body, "r").as_dict()))
    assert parse_retriever(stored).stages == (spec,)
    reach = Reach(vectors=vectors) if vectors else Reach()
    context = StageContext("mine", inputs or {}, "query", infer or (lambda *_: []), {}, reach)
    return AVAILABLE[stage_id].run(hits, spec.parameters, context)


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.document_id for hit in hits]


def at(hit: Hit, path: str) -> Any:
    value: Any = hit.score if path == "score" else {**hit.lineage, **hit.fields}
    for part in path.split(".") if path != "score" else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ---------------------------------------------------------------- filter


@pytest.mark.parametrize("seed", SEEDS)
def test_attribute_filter(seed: int) -> None:
    hits = documents(Random(seed))
    kept = run("attribute_filter", hits, field="n", operator="gte", value=2).hits
    assert ids(kept) == ids([h for h in hits if is_number(at(h, "n")) and at(h, "n") >= 2])
    conditions = {
        "OR": [{"field": "kind", "value": "a"}, {"NOT": {"field": "tags", "value": "fox"}}]
    }
    kept = run("attribute_filter", hits, conditions=conditions).hits
    assert ids(kept) == ids(
        [h for h in hits
         if (at(h, "kind") or "").lower() == "a" or "fox" not in (at(h, "tags") or [])]
    )  # fmt: skip
    kept = run("attribute_filter", hits, field="kind", value="a", case_insensitive=False).hits
    assert ids(kept) == ids([h for h in hits if at(h, "kind") == "a"])
    kept = run("attribute_filter", hits, conditions={"kind": "A"}, case_insensitive=False).hits
    assert ids(kept) == ids([h for h in hits if at(h, "kind") == "A"])
    kept = run("attribute_filter", hits, field="score", operator="gt", value=0.1).hits
    assert ids(kept) == ids([h for h in hits if h.score > 0.1])
    kept = run("attribute_filter", hits, field="source_object_id", value="o1").hits
    assert ids(kept) == ids([h for h in hits if at(h, "source_object_id") == "o1"])
    asked = run("attribute_filter", hits, {"y": 2021}, field="meta.year", value="{{INPUT.y}}").hits
    assert ids(asked) == ids([h for h in hits if at(h, "meta.year") == 2021])
    same = run("attribute_filter", hits, field="i", value="{{DOC.n|default(0)|int}}").hits
    assert ids(same) == ids([h for h in hits if at(h, "i") == int(at(h, "n") or 0)])


# ---------------------------------------------------------------- sort


@pytest.mark.parametrize("seed", SEEDS)
def test_sort_relevance(seed: int) -> None:
    hits = documents(Random(seed))
    for direction, sign in (("desc", -1), ("asc", 1)):
        found = run("sort_relevance", hits, direction=direction).hits
        assert ids(found) == ids(sorted(hits, key=lambda h: sign * h.score))
    known = [h for h in hits if is_number(at(h, "n"))]
    ordered = ids(sorted(known, key=lambda h: -at(h, "n")))
    rest = ids([h for h in hits if h not in known])
    assert ids(run("sort_relevance", hits, score_field="n").hits) == ordered + rest
    top = run("sort_relevance", hits, score_field="n", missing_score="top")
    assert ids(top.hits) == rest + ordered
    assert len(top.warnings) == bool(rest)
    kept = run("sort_relevance", hits, score_field="n", missing_score="preserve").hits
    assert ids([h for h in kept if h in known]) == ordered
    assert all(kept[i] is hit for i, hit in enumerate(hits) if hit not in known)


@pytest.mark.parametrize("seed", SEEDS)
def test_sort_attribute(seed: int) -> None:
    hits = documents(Random(seed))
    ranks = {bool: 0, int: 1, float: 1, str: 3, list: 4}

    def key(hit: Hit, field: str) -> Any:
        value = at(hit, field)
        return ranks[type(value)], json.dumps(value) if isinstance(value, list) else value

    for field in ("n", "kind", "meta.year", "mixed", "score"):
        known = [h for h in hits if at(h, field) is not None]
        nulls = ids([h for h in hits if at(h, field) is None])
        up = ids(sorted(known, key=lambda h: key(h, field)))
        down = ids(sorted(known, key=lambda h: key(h, field), reverse=True))
        assert ids(run("sort_attribute", hits, field=field).hits) == down + nulls
        assert ids(run("sort_attribute", hits, field=field, direction="asc").hits) == up + nulls
        first = run("sort_attribute", hits, field=field, direction="asc", nulls_last=False).hits
        assert ids(first) == nulls + up
        last = run("sort_attribute", hits, field=field, nulls_last=False).hits
        assert ids(last) == down + nulls
    assert ids(run("sort_attribute", hits, field="no.such").hits) == ids(hits)


def naive_mmr(hits: list[Hit], alike: Any, weight: float, top_k: int) -> list[tuple[str, float]]:
    scores = [h.score for h in hits]
    low, high = min(scores, default=0), max(scores, default=0)
    relevance = {h.document_id: (h.score - low) / (high - low) if high > low else 1.0 for h in hits}
    chosen: list[tuple[Hit, float]] = []
    left = list(hits)
    while left and len(chosen) < top_k:
        values = []
        for hit in left:
            nearest = max((alike(hit, other) for other, _ in chosen), default=0.0)
            values.append(weight * relevance[hit.document_id] - (1 - weight) * nearest)
        best = next(i for i, v in enumerate(values) if v >= max(values) - 1e-12)
        chosen.append((left.pop(best), values[best]))
    return [(hit.document_id, value) for hit, value in chosen]


@pytest.mark.parametrize("seed", SEEDS)
def test_mmr(seed: int) -> None:
    import numpy as np

    chance = Random(seed)
    hits = [replace(h, score=chance.random()) for h in documents(chance)]
    stored = {
        f: {h.document_id: np.array([chance.gauss(0, 1) for _ in range(4)], dtype=np.float32)
            for h in hits if chance.random() < 0.9}
        for f in ("one", "two")
    }  # fmt: skip

    def vectors(uri: str | None, _: Sequence[str]) -> Any:
        return stored[uri or "one"]

    def cosine(feature: str, a: Hit, b: Hit) -> float:
        one, other = stored[feature].get(a.document_id), stored[feature].get(b.document_id)
        if one is None or other is None:
            return 0.0
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    def same(a: Hit, b: Hit) -> float:
        parts = [at(a, f) is not None and at(a, f) == at(b, f) for f in ("kind", "meta.year")]
        return (3 * parts[0] + parts[1]) / 4

    weight, top_k = chance.choice([0.0, 0.3, 0.7, 1.0]), chance.choice([1, 5, 50])
    common = {"lambda": weight, "top_k": top_k}
    several = [{"feature_uri": "one", "weight": 0.2}, {"feature_uri": "two", "weight": 0.6}]
    for more, alike in (
        ({}, lambda a, b: cosine("one", a, b)),
        ({"diversity_feature_uri": "two"}, lambda a, b: cosine("two", a, b)),
        ({"diversity_features": several},
         lambda a, b: 0.25 * cosine("one", a, b) + 0.75 * cosine("two", a, b)),
        ({"diversity_fields": ["kind", "meta.year"], "diversity_field_weights": {"kind": 3.0}},
         same),
    ):  # fmt: skip
        found = run("mmr", hits, vectors=vectors, **common, **more)
        wanted = naive_mmr(hits, alike, weight, top_k)
        assert ids(found.hits) == [key for key, _ in wanted]
        values = [found.found[key]["mmr"] for key in ids(found.hits)]
        assert values == pytest.approx([value for _, value in wanted], abs=1e-6)
        assert [h.fields["scores"]["mmr"] for h in found.hits] == values


@pytest.mark.parametrize("seed", SEEDS)
def test_score_normalize(seed: int) -> None:
    hits = documents(Random(seed))
    for field in ("score", "n"):
        known = [h for h in hits if is_number(at(h, field))]
        x = [float(at(h, field)) for h in known]
        low, high = min(x, default=0), max(x, default=0)
        mean, deviation = (statistics.fmean(x), statistics.pstdev(x)) if x else (0, 0)
        length = math.sqrt(sum(v * v for v in x))
        wanted = {
            "min_max": [(v - low) / (high - low) if high > low else 1.0 for v in x],
            "z_score": [(v - mean) / deviation if high > low else 0.0 for v in x],
            "softmax": [math.exp(v) / sum(map(math.exp, x)) for v in x],
            "l2": [v / length if length else 0.0 for v in x],
        }
        for method, values in wanted.items():
            found = run("score_normalize", hits, method=method, score_field=field)
            assert ids(found.hits) == ids(hits)
            assert [at(h, field) for h in found.hits if is_number(at(h, field))] == pytest.approx(
                values, abs=1e-9
            )
            other = run(
                "score_normalize", hits, method=method, score_field=field, output_field="o.p"
            )
            assert [at(h, "o.p") for h in other.hits if "o" in h.fields] == pytest.approx(values)
            assert [h.score for h in other.hits] == [h.score for h in hits]
    bounded = run("score_normalize", hits, min_value=0.0, max_value=0.4)
    clipped = [min(1.0, max(0.0, h.score / 0.4)) for h in hits]
    assert [h.score for h in bounded.hits] == pytest.approx(clipped)


# ---------------------------------------------------------------- reduce


@pytest.mark.parametrize("seed", SEEDS)
def test_limit(seed: int) -> None:
    hits = documents(Random(seed))
    assert ids(run("limit", hits, limit=3).hits) == ids(hits[:3])
    assert ids(run("limit", hits, limit=4, offset=2).hits) == ids(hits[2:6])
    assert ids(run("limit", hits, offset=29).hits) == ids(hits[29:39])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("strategy", ["random", "stratified", "reservoir"])
def test_sample(seed: int, strategy: str) -> None:
    hits = documents(Random(seed))
    options = {"count": 7, "seed": seed, "strategy": strategy, "stratify_by": "kind"}
    found = run("sample", hits, **options).hits
    assert ids(found) == ids([h for h in hits if h in found])
    assert len(found) == min(7, len(hits))
    assert ids(found) == ids(run("sample", hits, **options).hits)
    top = sorted(hits, key=lambda h: -h.score)[:3]
    kept = run("sample", hits, **options, preserve_top_k=3).hits
    assert {h.document_id for h in top} <= {h.document_id for h in kept}
    if strategy == "stratified" and len(hits) > 7:
        sizes = Counter(json.dumps(at(h, "kind")) for h in hits)
        drawn = Counter(json.dumps(at(h, "kind")) for h in found)
        assert all(drawn[key] >= 1 for key in sizes)
        exact = Counter(
            json.dumps(at(h, "kind"))
            for h in run("sample", hits, **options, min_per_stratum=0).hits
        )
        assert all(abs(exact[key] - 7 * size / len(hits)) < 1 for key, size in sizes.items())


def test_every_document_has_its_chance() -> None:
    hits = [Hit(f"d{i}", "c", i + 1, 0.0, {}, {}) for i in range(10)]
    for strategy in ("random", "reservoir"):
        counts: Counter[str] = Counter()
        for seed in range(500):
            counts.update(ids(run("sample", hits, count=3, seed=seed, strategy=strategy).hits))
        assert all(100 < counts[h.document_id] < 200 for h in hits), counts


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("keep", ["first", "last"])
def test_deduplicate_by_fields(seed: int, keep: str) -> None:
    hits = documents(Random(seed))
    for fields, fold in ((["kind"], False), (["kind", "n"], True), (["tags"], False)):
        wanted, known = [], []
        for hit in hits if keep == "first" else reversed(hits):
            values = [at(hit, f) for f in fields]
            key = [v.lower() if fold and isinstance(v, str) else v for v in values]
            if values == [None] * len(values) or key not in known:
                wanted.append(hit.document_id)
            known.append(key)
        found = run("deduplicate", hits, fields=fields, keep=keep, case_sensitive=not fold).hits
        assert ids(found) == (wanted if keep == "first" else wanted[::-1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.5, 0.95, 1.0])
def test_deduplicate_by_content(seed: int, threshold: float) -> None:
    def pairs(text: str) -> Counter[Any]:
        words = text.split()
        return Counter(pairwise(words)) if len(words) > 1 else Counter(words)

    hits = documents(Random(seed))
    wanted: list[Hit] = []
    for hit in hits:
        own = pairs(hit.fields.get("data") or "")
        others = (pairs(h.fields.get("data") or "") for h in wanted)
        sizes = [(2 * (own & other).total(), own.total() + other.total()) for other in others]
        if not own or not any(common >= threshold * size for common, size in sizes if common):
            wanted.append(hit)
    found = run("deduplicate", hits, strategy="content", similarity_threshold=threshold).hits
    assert ids(found) == ids(wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_group_by(seed: int) -> None:
    hits = documents(Random(seed))
    for field in ("kind", "meta.year", "source_object_id"):
        values: list[Any] = []
        for hit in hits:
            if at(hit, field) is not None and at(hit, field) not in values:
                values.append(at(hit, field))
        groups = [[h for h in hits if at(h, field) == value] for value in values]
        best = [sorted(g, key=lambda h: -h.score) for g in groups]
        found = run("group_by", hits, group_by_field=field, max_per_group=2)
        assert ids(found.hits) == ids([h for g in best for h in g[:2]])
        assert found.output["groups"] == [
            {"key": value, "count": len(group), "document_ids": ids(sorted_[:2])}
            for value, group, sorted_ in zip(values, groups, best, strict=True)
        ]
        first = run("group_by", hits, group_by_field=field, output_mode="first")
        assert ids(first.hits) == ids([g[0] for g in best])
        assert first.output == {}
        assert len(first.warnings) == (sum(map(len, groups)) < len(hits))


def naive(function: str, hits: Sequence[Hit], field: str) -> Any:
    raw = [at(h, field) for h in hits if at(h, field) is not None]
    flat = [e for v in raw for e in (v if isinstance(v, list) else [v])]
    numbers = [e for e in flat if is_number(e)]
    distinct: list[Any] = []
    for each in flat:
        if each not in distinct:
            distinct.append(each)
    return {
        "count": lambda: len(raw), "count_distinct": lambda: len(distinct),
        "sum": lambda: sum(numbers),
        "avg": lambda: statistics.fmean(numbers) if numbers else None,
        "min": lambda: min(flat, default=None), "max": lambda: max(flat, default=None),
        "first": lambda: raw[0] if raw else None, "last": lambda: raw[-1] if raw else None,
        "collect": lambda: raw, "collect_distinct": lambda: distinct,
        "percentile": lambda: statistics.median(numbers) if numbers else None,
        "stddev": lambda: statistics.pstdev(numbers) if numbers else None,
        "variance": lambda: statistics.pvariance(numbers) if numbers else None,
        "frequency": lambda: [
            {"value": v, "count": flat.count(v)}
            for v in sorted(distinct, key=lambda v: -flat.count(v))
        ],
    }[function]()  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_aggregate(seed: int) -> None:
    hits = documents(Random(seed))
    functions = ["count", "count_distinct", "min", "max", "first", "last", "collect",
                 "collect_distinct", "frequency"]  # fmt: skip
    numeric = ["sum", "avg", "percentile", "stddev", "variance"]
    asked = [
        {"function": f, "field": field, "alias": f"{f} {field}"}
        for field in ("n", "tags") for f in functions + (numeric if field == "n" else [])
    ]  # fmt: skip
    asked.append({"function": "count", "alias": "all"})
    found = run("aggregate", hits, aggregations=asked)
    assert found.hits == []
    assert found.output["aggregations"].pop("all") == len(hits)
    for key, value in found.output["aggregations"].items():
        function, field = key.split()
        wanted = naive(function, hits, field)
        assert value == (pytest.approx(wanted) if isinstance(wanted, float) else wanted), key

    by = [{"field": "kind"}, {"field": "meta.year", "alias": "when"}]
    total = {"function": "sum", "field": "n", "alias": "total"}
    grouped = run("aggregate", hits, aggregations=[total], group_by=by, include_documents=True)
    assert ids(grouped.hits) == ids(hits)
    keys: list[tuple[Any, Any]] = []
    for hit in hits:
        if (at(hit, "kind"), at(hit, "meta.year")) not in keys:
            keys.append((at(hit, "kind"), at(hit, "meta.year")))
    rows = []
    for kind, year in keys:
        members = [h for h in hits if (at(h, "kind"), at(h, "meta.year")) == (kind, year)]
        rows.append({"kind": kind, "when": year, "total": naive("sum", members, "n")})
    assert grouped.output["aggregations"] == rows
    for order, sign in (("desc", -1), ("asc", 1)):
        best = run("aggregate", hits, aggregations=[total], group_by=by, sort_by="total",
                   sort_order=order, limit=3)  # fmt: skip
        wanted = sorted(rows, key=lambda row: sign * row["total"])[:3]
        assert best.output["aggregations"] == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_aggregate_of_two_fields(seed: int) -> None:
    import numpy as np

    chance = Random(seed)
    hits = [
        Hit(f"d{i}", "c", i + 1, 0.0, {"x": chance.random(), "y": chance.choice([1, 2, 3]),
            "t": chance.choices(WORDS, k=2), "k": chance.choice("ab")}, {})
        for i in range(chance.randrange(2, 20))
    ]  # fmt: skip
    asked = [
        {"function": "correlation", "field": "x", "field_b": "y", "alias": "r"},
        {"function": "co_occurrence", "field": "t", "field_b": "k", "alias": "pairs", "top_k": 100},
        {"function": "percentile", "field": "x", "percentile_value": 90, "alias": "p90"},
    ]
    found = run("aggregate", hits, aggregations=asked).output["aggregations"]
    x, y = [at(h, "x") for h in hits], [at(h, "y") for h in hits]
    wanted = None if len(set(y)) == 1 else pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found["r"] == wanted
    assert found["p90"] == pytest.approx(np.percentile(x, 90))
    counts = Counter((t, at(h, "k")) for h in hits for t in set(at(h, "t")))
    assert {(p["value"], p["value_b"]): p["count"] for p in found["pairs"]} == counts


# ---------------------------------------------------------------- apply


@pytest.mark.parametrize("seed", SEEDS)
def test_unwind(seed: int) -> None:
    hits = documents(Random(seed))
    wanted: list[tuple[str, Any, Any]] = []
    for hit in hits:
        tags = at(hit, "tags")
        wanted += [(hit.document_id, tag, i) for i, tag in enumerate(tags or [])]
    found = run("unwind", hits, field="tags", include_array_index="meta_place").hits
    assert [(h.document_id, h.fields["tags"], h.fields["meta_place"]) for h in found] == wanted
    nothing = run("unwind", hits, field="tgas")
    assert (list(nothing.hits), len(nothing.warnings)) == ([], 1)
    assert "none of" in nothing.warnings[0]
    beside = run("unwind", hits, field="tags", output_field="one.tag").hits
    assert [(h.document_id, h.fields["one"]["tag"]) for h in beside] == [w[:2] for w in wanted]
    by_id = {h.document_id: h for h in hits}
    assert all(h.fields["tags"] == at(by_id[h.document_id], "tags") for h in beside)
    kept = run("unwind", hits, field="tags", preserve_null_and_empty=True).hits
    assert Counter(ids(kept)) == Counter(
        key for h in hits for key in [h.document_id] * max(1, len(at(h, "tags") or []))
    )
    assert ids(run("unwind", hits, field="i").hits) == ids(hits)


@pytest.mark.parametrize("seed", SEEDS)
def test_json_transform(seed: int) -> None:
    hits = documents(Random(seed))
    template = (
        '{"id": "{{DOC.document_id}}", "text": {{DOC.content|tojson}}, "twice": '
        "[{% for t in DOC.tags|default([]) %}{{(t ~ t)|tojson}}{% if not loop.last %}, {% endif %}"
        '{% endfor %}], "asked": {{INPUT.q|tojson}}}'
    )
    found = run("json_transform", hits, {"q": 'a "quoted" text'}, template=template).hits
    assert [h.fields for h in found] == [
        {"id": h.document_id, "text": h.fields.get("data"),
         "twice": [t + t for t in h.fields.get("tags", [])], "asked": 'a "quoted" text'}
        for h in hits
    ]  # fmt: skip
    assert [(h.document_id, h.score) for h in found] == [(h.document_id, h.score) for h in hits]
    some = run("json_transform", hits, template='{"n": {{DOC.n}}, "kind": {{DOC.kind|tojson}}}')
    good = [h for h in hits if at(h, "n") is not None and "kind" in h.fields]
    assert [h.fields for h in some.hits] == [{"n": at(h, "n"), "kind": at(h, "kind")} for h in good]
    left_out = len(hits) - len(good)
    assert len(some.warnings) == bool(left_out)
    if left_out:
        assert f"{left_out} of {len(hits)} documents are left out" in some.warnings[0]
        with pytest.raises(InvalidInputError, match="stage 'mine', template for d"):
            run("json_transform", hits, template='{"n": {{DOC.n}}, "k": {{DOC.kind|tojson}}}',
                fail_on_error=True)  # fmt: skip


# ---------------------------------------------------------------- by an extractor's answers


def with_text(chance: Random) -> list[Hit]:
    """Random hits, the first of which has a text: without any, these stages refuse."""
    hits = documents(chance)
    return [replace(h, fields={**h.fields, "data": "fox"}) if not i else h
            for i, h in enumerate(hits)]  # fmt: skip


def answering(function: Any, asked: list[Any]) -> Any:
    """An extractor's service that answers each input by a function."""

    def infer(_: Any, inputs: Sequence[Mapping[str, Any]]) -> list[Any]:
        asked.extend(inputs)
        return [function(each) for each in inputs]

    return infer


@pytest.mark.parametrize("seed", SEEDS)
def test_rerank(seed: int) -> None:
    chance = Random(seed)
    hits = with_text(chance)
    asked: list[Any] = []
    infer = answering(lambda i: {"scores": [float(len(t) % 7) for _, t in i["pairs"]]}, asked)
    most, top_k, size = chance.choice([3, 50]), chance.choice([2, 50]), chance.choice([1, 4])
    found = run("rerank", hits, infer=infer, inference_name="x", max_candidates=most, top_k=top_k,
                batch_size=size, max_document_chars=9)  # fmt: skip
    score = {h.document_id: float(len((h.fields.get("data") or "")[:9]) % 7) for h in hits[:most]}
    wanted = sorted(hits[:most], key=lambda h: -score[h.document_id])[:top_k]
    assert ids(found.hits) == ids(wanted)
    assert [h.score for h in found.hits] == [score[h.document_id] for h in wanted]
    assert [h.fields["scores"]["rerank"] for h in found.hits] == [h.score for h in found.hits]
    pairs = [pair for each in asked for pair in each["pairs"]]
    assert pairs == [["query", (h.fields.get("data") or "")[:9]] for h in hits[:most]]
    assert all(len(each["pairs"]) <= size for each in asked)


@pytest.mark.parametrize("seed", SEEDS)
def test_classify(seed: int) -> None:
    chance = Random(seed)
    hits = with_text(chance)

    def labels(text: str) -> list[dict[str, Any]]:
        return [{"label": w, "confidence": text.split().count(w) / 4} for w in WORDS]

    least, most = chance.choice([None, 0.25]), chance.choice([None, 2])
    infer = answering(lambda i: {"labels": labels(i["text"])}, [])
    given = {"min_confidence": least, "top_k_labels": most, "output_field": "said.labels"}
    found = run("classify", hits, infer=infer, inference_name="x",
                **{k: v for k, v in given.items() if v is not None})  # fmt: skip
    assert ids(found.hits) == ids(hits)
    for hit, made in zip(hits, found.hits, strict=True):
        text = hit.fields.get("data")
        every = [] if text is None else sorted(labels(text), key=lambda e: -e["confidence"])
        kept = [e for e in every if least is None or e["confidence"] >= least][:most]
        assert made.fields["said"]["labels"] == kept


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("as_text", [True, False])
def test_llm_filter(seed: int, as_text: bool) -> None:
    hits = documents(Random(seed))

    def verdict(asked: Mapping[str, Any]) -> dict[str, Any]:
        keep = asked["prompt"] == "is it a?"
        return {"text": "Yes, it is." if keep else "No."} if as_text else {"keep": keep}

    prompt = "is it {{DOC.kind|default('none')}}?"
    found = run("llm_filter", hits, infer=answering(verdict, []), inference_name="x", prompt=prompt)
    assert ids(found.hits) == ids([h for h in hits if at(h, "kind") == "a"])


@pytest.mark.parametrize("seed", SEEDS)
def test_llm_enrich(seed: int) -> None:
    hits = documents(Random(seed))
    infer = answering(lambda i: {"text": i["prompt"].upper() + str(i["document"]["content"])}, [])
    found = run("llm_enrich", hits, {"q": "so"}, infer=infer, inference_name="x",
                prompt="{{INPUT.q}} {{DOC.i}}", output_field="made.text")  # fmt: skip
    assert [h.fields["made"]["text"] for h in found.hits] == [
        f"SO {h.fields['i']}{h.fields.get('data')}" for h in hits
    ]
    assert [(h.document_id, h.score) for h in found.hits] == [
        (h.document_id, h.score) for h in hits
    ]


# ---------------------------------------------------------------- every stage has one

ELSEWHERE = {
    "agentic_enrich": "test_enrich_stages.test_an_agent_looks_things_up",
    "cluster": "test_enrich_stages.test_clusters_are_found_again",
    "document_enrich": "test_enrich_stages.test_a_join_is_a_join",
    "query_expand": "test_enrich_stages.test_expanded_queries_are_fused",
    "rag_prepare": "test_enrich_stages.test_a_context_within_its_budget",
    "summarize": "test_enrich_stages.test_a_summary_of_all_of_each_group_and_of_each",
    "taxonomy_enrich": "test_enrich_stages.test_the_nearest_nodes",
    "api_call": "test_outside_stages.test_each_document_gets_its_own_answer",
    "sql_lookup": "test_outside_stages.test_random_joins_in_sql",
}
"""Stage → its oracle, where that needs collections, models or services."""


def test_every_stage_has_an_oracle() -> None:
    """A new stage needs one: a `test_<stage_id>…` here, or its line above."""
    own = [name for name in globals() if name.startswith("test_")]
    here = {key for key in AVAILABLE if any(name.startswith(f"test_{key}") for name in own)}
    assert here | set(ELSEWHERE) == set(AVAILABLE)
    assert not here & set(ELSEWHERE)
    for stage_id, place in ELSEWHERE.items():
        module, _, name = place.partition(".")
        oracle = getattr(importlib.import_module(module), name)
        assert stage_id in inspect.getsource(oracle), f"{place} does not run {stage_id}"


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("stage_id", "parameters", "told"),
    [
        ("attribute_filter", {}, r": give one condition .* or `conditions`"),
        ("attribute_filter", {"field": "a", "conditions": {"b": 1}}, "give one condition"),
        ("attribute_filter", {"field": "a", "operator": "is"}, r"condition\.operator: there is no"),
        ("attribute_filter", {"conditions": {"AND": [{"feld": 1, "b": 2}]}},
         r"conditions\.AND\[0\]"),
        ("sort_relevance", {"direction": "up"}, r"direction: .*'asc' or 'desc'"),
        ("sort_attribute", {}, r"\.field is missing"),
        ("mmr", {"lambda": 2}, r"\.lambda: .*less than or equal to 1, got 2"),
        ("mmr", {"lamda": 0.5}, r"\.lamda: unknown key. Did you mean 'lambda'"),
        ("mmr", {"diversity_feature_uri": "a", "diversity_fields": ["b"]}, "give one of"),
        ("score_normalize", {"method": "max"}, r"method: .*'min_max'"),
        ("score_normalize", {"min_value": 2, "max_value": 1}, "must be less than max_value"),
        ("limit", {"limit": 0}, r"\.limit: .*greater than or equal to 1"),
        ("sample", {"strategy": "stratified"}, "needs `stratify_by`"),
        ("deduplicate", {}, "needs `fields`"),
        ("group_by", {"output_mode": "none"}, r"output_mode: .*'first'"),
        ("aggregate", {"aggregations": []}, "at least 1 item"),
        ("aggregate", {"aggregations": [{"function": "sum", "alias": "x"}]}, "sum needs a field"),
        ("aggregate", {"aggregations": [{"function": "count", "alias": "x"}] * 2},
         "are called 'x'"),
        ("aggregate", {"aggregations": [{"function": "count", "alias": "x"}], "sort_by": "y"},
         "no aggregation is called 'y'"),
        ("unwind", {"field": ""}, r"\.field: .*at least 1 character"),
        ("json_transform", {"template": "{{ DOC."}, r"template: the template .* is not valid"),
    ],
)  # fmt: skip
def test_wrong_parameters(stage_id: str, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(RetrieverError, match=rf"^stages\[0\]\.{stage_id}.*{told}"):
        run(stage_id, [], **parameters)


ODD = [10**400, math.inf, math.nan, Decimal("NaN"), Decimal("1.5"), datetime(2024, 1, 1), b"x",
       1e308, -1e308, [1, [2, None]], {"a": 1}, "", True, None]  # fmt: skip


@pytest.mark.parametrize(
    ("stage_id", "parameters"),
    [
        ("attribute_filter", {"field": "v", "operator": "gt", "value": 1}),
        ("sort_relevance", {"score_field": "v"}), ("sort_attribute", {"field": "v"}),
        ("score_normalize", {"score_field": "v", "method": "z_score"}),
        ("score_normalize", {"method": "softmax"}), ("score_normalize", {"method": "l2"}),
        ("mmr", {"diversity_fields": ["v"], "score_field": "v"}),
        ("sample", {"count": 5, "strategy": "stratified", "stratify_by": "v"}),
        ("deduplicate", {"fields": ["v"]}), ("group_by", {"group_by_field": "v"}),
        ("unwind", {"field": "v"}), ("json_transform", {"template": "{{DOC|tojson}}"}),
        *(("aggregate", {"aggregations": [{"function": f, "field": "v", "field_b": "score",
                                           "alias": "x"}], "group_by": [{"field": "v"}]})
          for f in ("sum", "avg", "variance", "percentile", "min", "frequency", "correlation")),
    ],
)  # fmt: skip
def test_odd_values_break_no_stage(stage_id: str, parameters: dict[str, Any]) -> None:
    scores = [math.nan, 1.0, math.inf, 1e308, -1e308]
    hits = [Hit(f"d{i}", "c", i, scores[i % 5], {"v": v, "data": v}, {}) for i, v in enumerate(ODD)]
    found = run(stage_id, hits, **parameters)
    assert {h.document_id for h in found.hits} <= {h.document_id for h in hits}
    json.dumps(plain([[h.fields, h.score] for h in found.hits] + [found.output]), allow_nan=False)


NESTED = '{"a": ' + "[" * 64 + "]" * 64 + "}"


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": NaN}', NESTED])
def test_json_that_no_document_can_hold(text: str) -> None:
    hit = Hit("d", "c", 1, 1.0, {}, {})
    found = run("json_transform", [hit], template=text)
    assert found.hits == []
    assert "1 of 1 documents are left out" in found.warnings[0]


def test_texts_that_are_too_many_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpeek_lab.retrievers.stages.deduplicate.MOST_COMPARED", 1000)
    chance = Random(0)
    texts = [" ".join(chance.choices("abcde", k=60)) for _ in range(100)]
    hits = [Hit(f"d{i}", "c", i, 0.0, {"data": text}, {}) for i, text in enumerate(texts)]
    with pytest.raises(RetrieverError, match="100 documents are too many to compare"):
        run("deduplicate", hits, strategy="content", similarity_threshold=0.9)


def test_an_unwound_list_is_bounded() -> None:
    hit = Hit("d", "c", 1, 1.0, {"many": list(range(10_001))}, {})
    with pytest.raises(RetrieverError, match="make more than 10,000 documents"):
        run("unwind", [hit], field="many")


def test_a_filter_says_the_same_here_as_in_a_search() -> None:
    hits = documents(Random(1))
    written = {"AND": [{"field": "meta.year", "operator": "exists"}, {"kind": "a"}]}
    same = parse_filter(written)
    assert same is not None
    kept = run("attribute_filter", hits, conditions=written).hits
    assert ids(kept) == ids([h for h in hits if same.matches(h.fields)])


@pytest.mark.parametrize("seed", SEEDS)
def test_llm_enrich_some_of_them_with_a_schema(seed: int) -> None:
    hits = documents(Random(seed))
    asked: list[Any] = []
    infer = answering(lambda i: {"text": f'```json\n{{"n": {i["document"]["i"]}}}\n```'}, asked)
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    when = {"field": "kind", "value": "a"}
    found = run("llm_enrich", hits, infer=infer, inference_name="x", prompt="p", schema=schema,
                when=when, output_field="made", batch_size=5, use_vcache=False)  # fmt: skip
    chosen = [h for h in hits if (at(h, "kind") or "").lower() == "a"]
    assert ids(found.hits) == ids(hits)
    assert {h.document_id: h.fields["made"] for h in found.hits if "made" in h.fields} == {
        h.document_id: {"n": h.fields["i"]} for h in chosen
    }
    assert len(asked) == len(chosen)
    if chosen:
        with pytest.raises(LLMSchemaError):
            run("llm_enrich", chosen, infer=answering(lambda _: {"text": "{}"}, []),
                inference_name="x", prompt="p", schema=schema)  # fmt: skip


@pytest.mark.parametrize(
    ("stage_id", "needed"),
    [("attribute_filter", {"field": "a", "value": 1}), ("llm_filter", {}), ("sort_relevance", {}),
     ("mmr", {}), ("json_transform", {}), ("group_by", {}), ("rag_prepare", {}),
     ("sort_attribute", {}), ("summarize", {}), ("taxonomy_enrich", {}),
     ("sql_lookup", {"connection_id": "lab", "query": "SELECT 1"}),
     ("document_enrich", {"target_collection_id": "c", "source_field": "a"}),
     ("api_call", {"url": "http://a.example"})],
)  # fmt: skip
def test_what_mixpeek_s_client_fills_in_is_taken(stage_id: str, needed: dict[str, Any]) -> None:
    """The generated client sends its defaults along, those of keys that are not used too."""
    name = "".join(word.capitalize() for word in stage_id.split("_")).replace("Api", "API")
    models = importlib.import_module(f"mixpeek.models.stage_params_{stage_id}")
    [model] = [m for key, m in vars(models).items()
               if key.lower() == f"stageparams{name}".lower()]  # fmt: skip
    sent = model.from_dict(needed).to_dict()
    body = {"collection": "c", "searches": [{"lexical": True}], "stages": [{stage_id: sent}]}
    [spec] = parse_retriever(body, "r").stages
    found = spec.parameters.model_dump(exclude={"on_no_results"})
    assert "null" not in found.values()

"""Runs the baseline and the lab over the same BEIR folder, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from mixpeek_lab.beir import Dataset, read_beir
from mixpeek_lab.bench.baseline import CANDIDATES, peak_memory
from mixpeek_lab.errors import EngineError
from mixpeek_lab.examples import TEXT_EMBEDDER
from mixpeek_lab.hub import seed_hub_cache
from mixpeek_lab.metrics import evaluate, run_from_rankings
from mixpeek_lab.models import SearchResult
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.network import HubCheck

MEASURES = ("nDCG@10", "R@100", "RR")
BLOCK, WARM, PAUSE = 45, 5, 0.05
"""Queries measured in one turn, how many of them are asked before that, seconds before each."""
NESTED = ("runs", "query_ms", "served_ms")
Say = Callable[[str], None]


def run_bench(
    folder: Path,
    *,
    analyzer: str = "english",
    serve: bool = True,
    most_served: int | None = None,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """All numbers of the table, as JSON values.

    Seconds are wall time, memory is the peak of one process in MB, query times are p50 and p95 in
    milliseconds over all queries of the folder; of the endpoint, over the first `most_served`.
    """
    data = read_beir(folder)
    seed_hub_cache()  # the script loads the model as people do
    # The lab asks whether there is a hub; the script would retry each absent file: four minutes.
    HubCheck().settle()
    say(f"{data.name}: {len(data.queries)} queries. The hand-written script first …")
    baseline = _baseline(folder, analyzer)
    say("… then the lab.")
    with tempfile.TemporaryDirectory(prefix="mixpeek-lab-bench-") as home:
        subject = _subject(data, Path(home), analyzer, most_served if serve else 0)
    start = {"import_s": import_seconds()}
    return {
        "dataset": data.name,
        "documents": baseline["documents"],
        "queries": len(data.queries),
        "analyzer": analyzer,
        "baseline": {k: v for k, v in baseline.items() if k not in ("runs", "embed_ms", "rest_ms")},
        "lab": {k: v for k, v in subject.items() if k not in NESTED} | start,
        "queries_ms": _query_table(baseline, subject),
        "served_ms": {name: _percentiles(v) for name, v in subject.get("served_ms", {}).items()},
        "quality": {
            leg: {
                "baseline": _scores(baseline["runs"][leg], data),
                "lab": _scores(subject["runs"][leg], data),
                "same_top_10": _same(baseline["runs"][leg], subject["runs"][leg], 10),
            }
            for leg in ("dense", "bm25", "rrf")
        },
    }


def import_seconds() -> float:
    """Seconds that `import mixpeek_lab` takes in a fresh process, the best of five."""
    code = (
        "import time; t = time.perf_counter(); import mixpeek_lab; print(time.perf_counter() - t)"
    )
    return min(float(_python("-c", code)) for _ in range(5))


def _baseline(folder: Path, analyzer: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        _python("-m", "mixpeek_lab.bench.baseline", str(folder), analyzer)
    )
    return found


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"The hand-written script failed: {done.stderr.strip()[-800:]}")
    return done.stdout


def _subject(data: Dataset, home: Path, analyzer: str, most_served: int | None) -> dict[str, Any]:
    """The same work through the lab."""
    rows = [{"_id": d.document_id, "text": d.text} for d in data.iter_documents()]
    begun = time.perf_counter()
    with Lab(home) as lab:
        lab.start(serve=False, wait=True)
        ray_ready = time.perf_counter() - begun
        lab.load(TEXT_EMBEDDER)
        lab.bucket("corpus", rows)
        report = lab.process("corpus", "text_embedder", "docs", analyzer=analyzer)
        again = lab.process("corpus", "text_embedder", "docs")
        lab.retriever("bench", _retriever())
        in_process, runs = _in_process(lab, data)
        found: dict[str, Any] = {
            "ray_start_s": ray_ready,
            "documents_per_s": report.rows_per_second,
            "setup_s": report.setup_seconds,
            "run_s": report.seconds,
            "unchanged_s": again.seconds,
            "runs": runs,
            "query_ms": {"in process": in_process},
        }
        if most_served != 0:
            found["serve_start_s"] = _seconds(lambda: lab.serve("bench"))
            found["served_ms"] = _served(lab, list(data.queries.values())[:most_served])
        return {**found, "peak_mb": peak_memory()}


def _retriever() -> dict[str, Any]:
    return {
        "collection": "docs",
        "searches": [{"feature": "text_embedding"}, {"lexical": True, "name": "bm25"}],
        "fusion": "rrf",
    }


def _in_process(lab: Lab, data: Dataset) -> tuple[dict[str, list[float]], dict[str, Any]]:
    names: dict[str, str] = {}
    runs: dict[str, dict[str, list[str]]] = {"dense": {}, "bm25": {}, "rrf": {}}
    times: dict[str, list[float]] = {"total": [], "embed": [], "rest": []}
    known = lab.sql('SELECT document_id, _id FROM "docs"').table
    names.update(zip(*(known.column(c).to_pylist() for c in ("document_id", "_id")), strict=True))
    lab.search("bench", "a first query loads the model", limit=1)
    for key, text in data.queries.items():
        begun = time.perf_counter()
        result = lab.search("bench", text, limit=10)
        total = (time.perf_counter() - begun) * 1e3
        embed = next(s.milliseconds for s in result.spans if s.name == "embed")
        times["total"].append(total)
        times["embed"].append(embed)
        times["rest"].append(total - embed)
        for leg, ranking in _rankings(result, names).items():
            runs[leg][key] = ranking
    for key, text in data.queries.items():
        deep = lab.search("bench", text, limit=2 * CANDIDATES)
        # Fused scores tie often. The lab orders ties by its own ids, the script by the corpus's:
        # both are measured in the corpus's order.
        ranked = sorted((-hit.score, names[hit.document_id]) for hit in deep.hits)
        runs["rrf"][key] = [name for _, name in ranked]
    return times, runs


def _rankings(result: SearchResult, names: Mapping[str, str]) -> dict[str, list[str]]:
    dense, lexical = result.legs
    return {
        "dense": [names[key] for key in dense.document_ids],
        "bm25": [names[key] for key in lexical.document_ids],
    }


def _served(lab: Lab, texts: Sequence[str]) -> dict[str, list[float]]:
    """Queries in process, through the handle and over HTTP.

    In turns of BLOCK queries, so that what else the machine does weighs on all three alike; with
    a pause before each, as people make, so that none finds the processor's caches warmer.
    """
    import httpx

    headers = {"Authorization": f"Bearer {lab.token}"}
    with httpx.Client(base_url=lab.url, headers=headers) as client:

        def over_http(text: str) -> None:
            body = {"query": {"query_text": text}, "limit": 10}
            client.post("/v1/retrievers/bench/execute", json=body).raise_for_status()

        ways: dict[str, Callable[[str], object]] = {
            "in process": lambda text: lab.search("bench", text, limit=10),
            "Serve handle": lambda text: lab.execute("bench", {"query": text, "limit": 10}),
            "HTTP": over_http,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for start in range(0, len(texts), BLOCK):
            for name, call in ways.items():
                for text in texts[start : start + WARM]:
                    call(text)
                for text in texts[start : start + BLOCK]:
                    time.sleep(PAUSE)
                    times[name].append(_seconds(partial(call, text)) * 1e3)
    return times


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _query_table(baseline: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    by_hand = {
        "total": [a + b for a, b in zip(baseline["embed_ms"], baseline["rest_ms"], strict=True)],
        "embed": baseline["embed_ms"],
        "rest": baseline["rest_ms"],
    }
    rows = {"hand-written": by_hand, **subject["query_ms"]}
    return {
        where: {part: _percentiles(times) for part, times in t.items()} for where, t in rows.items()
    }


def _percentiles(times: list[float]) -> dict[str, float]:
    return {"p50": median(times), "p95": sorted(times)[int(len(times) * 0.95)]}


def _scores(rankings: Mapping[str, list[str]], data: Dataset) -> dict[str, float]:
    return dict(evaluate(run_from_rankings(rankings), data.qrels, MEASURES).mean)


def _same(one: Mapping[str, list[str]], other: Mapping[str, list[str]], depth: int) -> float:
    """The share of queries whose first `depth` results are the same in the same order."""
    return sum(one[q][:depth] == other[q][:depth] for q in one) / len(one)

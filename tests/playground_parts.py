"""What the playground's tests share: legs, payloads, and its JavaScript in node."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mixpeek_lab.fusion import Ranking, fuse
from mixpeek_lab.models import Leg

WIDGETS = Path(__file__).resolve().parents[1] / "mixpeek_lab" / "widgets"
LINEAR = ("rrf", "dbsf", "weighted", "rrf_llamaindex", "dbsf_qdrant", "rrf_chroma")


def run_js(body: str, given: Any, **imports: str) -> Any:
    """The JSON that a JavaScript function body returns for `given`; `imports`: name=file."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser tests run the same code")
    files: dict[str, list[str]] = {}
    for name, file in imports.items():
        files.setdefault(file, []).append(name)
    lines = [
        f"import {{ {', '.join(names)} }} from {json.dumps((WIDGETS / file).as_uri())};"
        for file, names in files.items()
    ]
    script = "\n".join(
        [
            *lines,
            'import { readFileSync } from "node:fs";',
            'const given = JSON.parse(readFileSync(0, "utf8"));',
            f"const answer = await (() => {{ {body} }})();",
            "process.stdout.write(JSON.stringify(answer));",
        ]
    )
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        input=json.dumps(given), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def leg(name: str, ids: Any, scores: list[float], weight: float = 1.0) -> dict[str, Any]:
    """A leg of a payload."""
    return {
        "name": name, "kind": "dense", "feature_uri": "", "metric": "cosine", "weight": weight,
        "top_k": 100, "milliseconds": 1.0, "document_ids": list(ids), "scores": list(scores),
    }  # fmt: skip


def fused(legs: list[dict[str, Any]], strategy: str, k: float, weights: dict) -> Ranking:
    """The same legs, fused in Python."""
    values = [
        Leg(each["name"], each["kind"], each["weight"], tuple(each["document_ids"]),
            tuple(each["scores"]))
        for each in legs
    ]  # fmt: skip
    return fuse(values, strategy, k=k, weights=weights)


def random_legs(draw: random.Random, most: int = 40) -> list[dict[str, Any]]:
    """Two or three legs over one pool, whose scores fall."""
    pool = [f"doc_{n:02d}" for n in range(most)]
    legs = []
    for number in range(draw.randint(2, 3)):
        ids = draw.sample(pool, draw.randint(5, 25))
        scores = sorted((round(draw.random(), 3) for _ in ids), reverse=True)
        legs.append(leg(f"leg{number}", ids, scores, draw.choice([0, 0.5, 1, 1])))
    return legs


def payload_of(legs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A payload without hits of its own: the view fuses the legs."""
    ids = {key for each in legs for key in each["document_ids"]}
    return {
        "retriever": "docs", "query": {"query_text": "x"}, "fusion": {"strategy": "rrf", "k": 60},
        "legs": legs, "hits": [], "spans": [], "total": len(ids), "warnings": [],
        "documents": {key: {"fields": {"name": key, "data": f"text {key}"}, "lineage": {}}
                      for key in sorted(ids)},
        "text_field": "data", **more,
    }  # fmt: skip

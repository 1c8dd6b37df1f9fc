"""The benchmark's numbers as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpeek_lab.widgets.static import table_text


def format_table(numbers: Mapping[str, Any]) -> str:
    """Every number beside the hand-written script's, with their ratio."""
    title = (
        f"{numbers['dataset']}: {numbers['documents']:,} documents, {numbers['queries']} queries, "
        f"BM25 analyzer {numbers['analyzer']}"
    )
    served = [_served(numbers)] if numbers["served_ms"] else []
    parts = (_work(numbers), _queries(numbers), *served, _quality(numbers))
    return "\n\n".join((title, *parts))


def _work(numbers: Mapping[str, Any]) -> str:
    base, lab = numbers["baseline"], numbers["lab"]
    by_hand = numbers["documents"] / base["encode_s"]
    whole = base["load_s"] + base["encode_s"] + base["index_s"]
    rows = [
        _row("documents/s, without load", by_hand, lab["documents_per_s"], ".1f"),
        _row("whole corpus, s (load included)", whole, lab["run_s"], ".1f"),
        _row("model load, s", base["load_s"], lab["setup_s"], ".1f"),
        _row("peak memory of the process, MB", base["peak_mb"], lab["peak_mb"], ".0f"),
        ["import, s", f"{base['import_s']:.1f}", f"{lab['import_s']:.2f}", ""],
        ["Ray start, s", "", f"{lab['ray_start_s']:.1f}", ""],
        ["unchanged re-run, s", "", f"{lab['unchanged_s']:.2f}", ""],
    ]
    if "serve_start_s" in lab:
        rows.append(["endpoint and service start, s", "", f"{lab['serve_start_s']:.1f}", ""])
    return table_text(["work", "hand-written", "lab", "ratio"], rows)


def _row(name: str, by_hand: float, ours: float, form: str) -> list[str]:
    return [name, f"{by_hand:{form}}", f"{ours:{form}}", f"{ours / by_hand:.2f}"]


def _queries(numbers: Mapping[str, Any]) -> str:
    table = numbers["queries_ms"]
    hand = table["hand-written"]["rest"]["p50"]
    rows = []
    for where, parts in table.items():
        rest = parts["rest"]["p50"]
        rows.append([where, *_pair(parts["total"]), f"{rest:.2f}", f"{rest / hand:.2f}"])
    return table_text(["query, ms", "p50", "p95", "beyond embedding p50", "ratio"], rows)


def _served(numbers: Mapping[str, Any]) -> str:
    table = numbers["served_ms"]
    local = table["in process"]["p50"]
    rows = [[where, *_pair(t), f"{t['p50'] - local:+.1f}"] for where, t in table.items()]
    return table_text(["query in turns, ms", "p50", "p95", "over in process"], rows)


def _pair(times: Mapping[str, float]) -> list[str]:
    return [f"{times['p50']:.1f}", f"{times['p95']:.1f}"]


def _quality(numbers: Mapping[str, Any]) -> str:
    rows = []
    for leg, found in numbers["quality"].items():
        for measure, value in found["lab"].items():
            by_hand = found["baseline"][measure]
            same = f"{found['same_top_10']:.3f}" if measure == "nDCG@10" else ""
            rows.append(
                [leg, measure, f"{by_hand:.4f}", f"{value:.4f}", f"{value - by_hand:+.4f}", same]
            )
    return table_text(["leg", "measure", "hand-written", "lab", "difference", "same top 10"], rows)

"""Measure a retriever against judged queries; list, show and compare what was measured before.

    mixpeek-lab evaluate RETRIEVER QRELS
    mixpeek-lab evaluate list
    mixpeek-lab evaluate show RUN
    mixpeek-lab evaluate compare RUN RUN …

Exit code 0 once it is measured, whatever the numbers say.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.cli.opening import add_place, opened
from mixpeek_lab.cli.streams import output_aside
from mixpeek_lab.errors import InvalidInputError, LabError
from mixpeek_lab.evaluation import CORRECTIONS, INTERVALS, TESTS, measure_names

if TYPE_CHECKING:
    from mixpeek_lab.evaluation import Comparison, Evaluation
    from mixpeek_lab.workbench import Lab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("retriever", nargs="?", help="a retriever of the lab; or list, show, "
                        "compare")  # fmt: skip
    parser.add_argument("qrels", nargs="?", help="BEIR folder, or qrels file (BEIR or TREC); "
                        "show, compare: a run, by name or id")  # fmt: skip
    parser.add_argument("others", nargs="*", metavar="RUN", help="compare: the others")
    parser.add_argument("--queries", metavar="FILE", help="of JSON lines, or of id<tab>text "
                        "(default: beside the qrels)")  # fmt: skip
    parser.add_argument("--measures", metavar="LIST",
                        help="commas between them (default: nDCG@10,RR,R@100,AP,P@10)")  # fmt: skip
    parser.add_argument(
        "--split", metavar="NAME", help="which file of the folder's qrels (default: test)"
    )
    parser.add_argument("--id-field", metavar="FIELD", help="the documents' field that the "
                        "judgements mean (default: found by its values)")  # fmt: skip
    parser.add_argument(
        "--depth", type=int, metavar="HITS", help="asked for each query (default: 100)"
    )
    parser.add_argument("--name", default="", metavar="NAME",
                        help="in comparisons (default: the retriever's name)")  # fmt: skip
    parser.add_argument("--confidence", type=float, default=0.95, metavar="SHARE",
                        help="of the intervals, between 0 and 1 (default: 0.95)")  # fmt: skip
    parser.add_argument("--interval", choices=INTERVALS, default="bca",
                        help="how the bootstrap is read (default: bca)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="of everything that is drawn (default: 0)")  # fmt: skip
    parser.add_argument("--compare", nargs="+", metavar="RUN", help="a baseline, then others")
    parser.add_argument("--test", choices=TESTS, default="t-test",
                        help="paired test of a comparison (default: t-test)")  # fmt: skip
    parser.add_argument("--correction", choices=CORRECTIONS, default="holm",
                        help="of the p-values for their number (default: holm)")  # fmt: skip
    parser.add_argument("--list", action="store_true", help="show what is kept")
    parser.add_argument("--trec", metavar="FILE", help="write the run as TREC's file")
    parser.add_argument("--csv", metavar="FILE", help="write the per-query table")
    parser.add_argument("--json", metavar="FILE", help="keep the numbers; - prints them alone")
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """Evaluate, show, compare or list, and print it."""
    from mixpeek_lab.widgets.cards import EvaluationCard, EvaluationList

    _check(options)
    with opened(options, _home(options.home)) as lab:
        if options.list:
            print(EvaluationList(lab.evaluations.list()))
        elif options.shown:
            found = lab.evaluations.get(options.shown)
            _show(options, str(EvaluationCard(found)), _numbers(found), found)
        elif options.compare:
            _compare(lab, options)
        else:
            _evaluate(lab, options)


def _read_words(options: argparse.Namespace) -> None:
    """`list`, `show RUN` and `compare RUN RUN …` as the options that they stand for."""
    word, runs = options.retriever, [r for r in (options.qrels, *options.others) if r]
    options.shown = None
    if word == "list" and not runs:
        options.list = True
    elif word == "show":
        if len(runs) != 1:
            raise InvalidInputError("evaluate show RUN: name one evaluation; `list` names them.")
        (options.shown,) = runs
    elif word == "compare":
        if len(runs) < 2:
            raise InvalidInputError("evaluate compare RUN RUN: name a baseline, then others.")
        options.compare = runs
    elif options.others:
        raise InvalidInputError(f"What is {options.others[0]!r} for? It reads RETRIEVER QRELS.")


def _check(options: argparse.Namespace) -> None:
    _read_words(options)
    is_old = options.list or options.shown or options.compare
    if not (is_old or (options.retriever and options.qrels)):
        raise InvalidInputError("Say what: RETRIEVER QRELS, list, show RUN, or compare RUN RUN.")
    for given in (options.trec, options.csv, options.json):
        if given and given != "-" and not Path(given).absolute().parent.is_dir():
            raise InvalidInputError(f"{given}: there is no such folder.")


def _evaluate(lab: Lab, options: argparse.Namespace) -> None:
    from mixpeek_lab.widgets.cards import EvaluationCard

    with output_aside(is_on=options.json == "-"):
        found = lab.evaluate(
            options.retriever,
            options.qrels,
            options.queries,
            measures=measure_names(options.measures),
            name=options.name,
            split=options.split,
            id_field=options.id_field,
            depth=options.depth,
            confidence=options.confidence,
            interval=options.interval,
            seed=options.seed,
            on_query=_progress if sys.stderr.isatty() else None,
        )
    if options.trec:
        found.to_trec(options.trec)
    _show(options, str(EvaluationCard(found)), _numbers(found), found)


def _compare(lab: Lab, options: argparse.Namespace) -> None:
    from mixpeek_lab.widgets.cards import ComparisonCard

    found = lab.evaluations.compare(
        *options.compare,
        measures=measure_names(options.measures),
        test=options.test,
        correction=options.correction,
        confidence=options.confidence,
        seed=options.seed,
    )
    _show(options, str(ComparisonCard(found)), _changes(found), found)


def _show(
    options: argparse.Namespace, text: str, numbers: Any, found: Evaluation | Comparison
) -> None:
    if options.csv:
        found.to_pandas().to_csv(options.csv, index=False)
    if options.json == "-":
        print(json.dumps(numbers, indent=2))
        return
    if options.json:
        Path(options.json).write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    print(text)


def _numbers(found: Evaluation) -> dict[str, Any]:
    return {
        "evaluation_id": found.evaluation_id,
        "name": found.name,
        "retriever": found.retriever,
        "dataset": found.dataset,
        "digest": found.digest,
        "mean": found.mean,
        "intervals": {m: list(span) for m, span in found.intervals.items()},
        f"unjudged@{found.cut}": found.mean_unjudged,
        "per_query": dict(found.per_query),
        "notes": list(found.notes),
    }


def _changes(found: Comparison) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [{**asdict(change), "difference": change.difference} for change in found.changes]


def _progress(asked: int, total: int) -> None:
    end = "\n" if asked == total else ""
    print(f"\r{asked} of {total} queries", end=end, file=sys.stderr, flush=True)


def _home(given: str | None) -> Path:
    """The lab's folder, which must be there: a new one has no retriever to evaluate."""
    home = Path(given or os.environ.get("MIXPEEK_LAB_HOME") or ".mixpeek_lab").expanduser()
    if not home.is_dir():
        raise LabError(f"There is no lab at {home}: --home names its folder.")
    return home

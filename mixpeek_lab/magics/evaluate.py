"""`%evaluate`: retrievers against judged queries, and what changed between two of them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.evaluation import CORRECTIONS, INTERVALS, TESTS, measure_names
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import demand_variable, read_options
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.missing import expanded

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import ComparisonCard, EvaluationCard, EvaluationList


@magics_class
class EvaluateMagics(Magics):
    """`%evaluate`."""

    @explained()
    @argument(
        "retriever", nargs="?", default="list",
        help="the retriever; or list, show, compare (default: list)",
    )  # fmt: skip
    @argument(
        "qrels", nargs="?",
        help="BEIR folder, qrels file (BEIR or TREC), or a variable. show, compare: a run",
    )  # fmt: skip
    @argument("others", nargs="*", metavar="RUN", help="compare: the others")
    @argument(
        "--queries", metavar="FILE",
        help="file of JSON lines or of id<tab>text, or a variable (default: beside the qrels)",
    )  # fmt: skip
    @argument(
        "--measures", metavar="LIST",
        help="with commas between them (default: nDCG@10,RR,R@100,AP,P@10)",
    )  # fmt: skip
    @argument("--split", metavar="NAME", help="which file of the folder's qrels (default: test)")
    @argument(
        "--id-field",
        metavar="FIELD",
        help="the documents' field that the judgements mean (default: found by its values)",
    )
    @argument("--depth", type=int, metavar="HITS", help="asked for each query (default: 100)")
    @argument(
        "--name", default="", metavar="NAME",
        help="what this evaluation is called in comparisons (default: the retriever's name)",
    )  # fmt: skip
    @argument(
        "--confidence", type=float, default=0.95, metavar="SHARE",
        help="of the intervals, between 0 and 1 (default: 0.95)",
    )  # fmt: skip
    @argument(
        "--interval", choices=INTERVALS, default="bca",
        help="how the bootstrap is read (default: bca)",
    )  # fmt: skip
    @argument(
        "--seed", type=int, default=0, metavar="N",
        help="of everything that is drawn (default: 0)",
    )  # fmt: skip
    @argument("--compare", nargs="+", metavar="RUN", help="a baseline, then others: names or ids")
    @argument(
        "--test", choices=TESTS, default="t-test",
        help="paired test of a comparison (default: t-test)",
    )  # fmt: skip
    @argument(
        "--correction", choices=CORRECTIONS, default="holm",
        help="of the p-values for their number (default: holm)",
    )  # fmt: skip
    @argument("--df", metavar="NAME", help="put the per-query table into this variable")
    @argument("--trec", metavar="FILE", help="write the run as TREC's file")
    @no_var_expand
    @line_magic
    @tells_errors
    def evaluate(self, line: str) -> EvaluationCard | EvaluationList | ComparisonCard:
        """Measure a retriever against judged queries; keep it, and compare it with others.

        %evaluate search_docs ../data/cranfield      a folder in BEIR's layout
        %evaluate search_docs qrels.txt --queries topics.tsv --name stemmed
                                                     files, kept under a name of your own
        %evaluate compare search_docs stemmed        a baseline and others, by name or id
        %evaluate compare search_docs~1 search_docs  before and now
        %evaluate list                               what is kept
        %evaluate show stemmed                       one of these
        """
        from mixpeek_lab.widgets.cards import ComparisonCard, EvaluationCard, EvaluationList

        options = read_options(self.evaluate, line)
        demand_variable(options.df, "--df")
        runs = [run for run in (options.qrels, *options.others) if run]
        if options.retriever == "compare" and len(runs) < 2:
            raise InvalidInputError("%evaluate compare RUN RUN: name a baseline, then others.")
        if options.compare or options.retriever == "compare":
            found = current_lab().evaluations.compare(
                *(options.compare or runs),
                measures=measure_names(options.measures), test=options.test,
                correction=options.correction, confidence=options.confidence, seed=options.seed,
            )  # fmt: skip
            self._give(options, found)
            return ComparisonCard(found)
        if options.retriever == "show":
            return self._show(options, runs)
        if options.retriever == "list" and runs:
            raise InvalidInputError(f"%evaluate list: what is {runs[0]!r} for?")
        if options.others:
            raise InvalidInputError(f"%evaluate RETRIEVER QRELS: what is {runs[1]!r} for?")
        if options.qrels is None:
            if options.retriever != "list":
                raise InvalidInputError(
                    f"%evaluate {options.retriever} QRELS: say where the judgements are, and with "
                    "--queries where their queries are not beside them."
                )
            return EvaluationList(current_lab().evaluations.list())
        evaluated = self._evaluate(options)
        if options.trec:
            evaluated.to_trec(options.trec)
        self._give(options, evaluated)
        return EvaluationCard(evaluated)

    def _show(self, options: Namespace, runs: list[str]) -> EvaluationCard:
        from mixpeek_lab.widgets.cards import EvaluationCard

        if len(runs) != 1:
            raise InvalidInputError("%evaluate show RUN: name one; `%evaluate list` names them.")
        found = current_lab().evaluations.get(runs[0])
        self._give(options, found)
        return EvaluationCard(found)

    def _evaluate(self, options: Namespace) -> Any:
        from mixpeek_lab.magics.live import note_meanwhile

        with note_meanwhile(f"Asking the queries of {options.qrels} …"):
            return current_lab().evaluate(
                options.retriever,
                self._value(options.qrels),
                self._value(options.queries),
                measures=measure_names(options.measures),
                name=options.name,
                split=options.split,
                id_field=options.id_field,
                depth=options.depth,
                confidence=options.confidence,
                interval=options.interval,
                seed=options.seed,
            )

    def _value(self, given: str | None) -> Any:
        """A variable of the notebook, where there is one of that name; else a path."""
        value = self.shell.user_ns.get(given) if given else None
        is_usable = isinstance(value, str | Path | Mapping) or hasattr(value, "qrels")
        if is_usable or given is None:
            return value
        if value is not None and not expanded(given).exists():
            raise InvalidInputError(
                f"{given} is a {type(value).__name__}. Judgements are a dictionary of query id → "
                "{document id: grade}, queries one of query id → text; or each is a file."
            )
        return given

    def _give(self, options: Namespace, found: Any) -> None:
        if options.df:
            self.shell.user_ns[options.df] = found.to_pandas()

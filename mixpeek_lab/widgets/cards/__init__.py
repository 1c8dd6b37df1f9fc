"""What cells show: small frozen views, each with a plain text and an HTML form.

The text forms hold no timings and no ids, so that a notebook's saved output stays the same from
run to run.
"""

from mixpeek_lab.widgets.cards.data import BucketCard, BucketList, RunCard, TablePage
from mixpeek_lab.widgets.cards.evaluation import ComparisonCard, EvaluationCard, EvaluationList
from mixpeek_lab.widgets.cards.extractors import ExtractorCard, ExtractorList
from mixpeek_lab.widgets.cards.preview import PreviewCard
from mixpeek_lab.widgets.cards.search import Results, RetrieverCard, RetrieverList
from mixpeek_lab.widgets.cards.stages import StageCard, StageList
from mixpeek_lab.widgets.cards.versions import CheckoutCard, DiffCard, LogCard, StatusCard
from mixpeek_lab.widgets.cards.view import FactsCard

__all__ = [
    "BucketCard",
    "BucketList",
    "CheckoutCard",
    "ComparisonCard",
    "DiffCard",
    "EvaluationCard",
    "EvaluationList",
    "ExtractorCard",
    "ExtractorList",
    "FactsCard",
    "LogCard",
    "PreviewCard",
    "Results",
    "RetrieverCard",
    "RetrieverList",
    "RunCard",
    "StageCard",
    "StageList",
    "StatusCard",
    "TablePage",
]

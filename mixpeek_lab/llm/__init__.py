"""Calls to language models: Google, OpenAI, Anthropic, and any OpenAI-compatible server.

`LLMClient.ask(LLMRequest(...))` gives an `LLMAnswer`. Structured answers are checked against their
schema, successful ones are kept, `tally()` says what this process has spent, and `metered()` what a
piece of its work has. The providers'
own clients (the extra `llm`) are imported by the first call.
"""

from mixpeek_lab.llm.cache import AnswerCache
from mixpeek_lab.llm.client import LLMClient
from mixpeek_lab.llm.providers import PROVIDERS, Provider, chosen_urls
from mixpeek_lab.llm.requests import Image, LLMAnswer, LLMRequest, LLMUsage
from mixpeek_lab.llm.spending import Meter, metered, tally
from mixpeek_lab.llm.structure import check_schema, read_data
from mixpeek_lab.models import Spending

__all__ = [
    "PROVIDERS",
    "AnswerCache",
    "Image",
    "LLMAnswer",
    "LLMClient",
    "LLMRequest",
    "LLMUsage",
    "Meter",
    "Provider",
    "Spending",
    "check_schema",
    "chosen_urls",
    "metered",
    "read_data",
    "tally",
]

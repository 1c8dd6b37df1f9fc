"""What a stage that asks a language model answers over HTTP where the model cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from llm_servers import KEY, ProtocolServer
from packages import HASH_EMBEDDER
from test_api import TOKEN, LocalServices

from mixpeek_lab.api import create_app
from mixpeek_lab.llm import failures
from mixpeek_lab.llm.providers import PROVIDERS
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend

SCHEMA = {"type": "object", "properties": {"topic": {"type": "string"}}}
AGENT = {"system_prompt": "Classify {{DOC.data}}", "output_schema": SCHEMA}
STAGES: dict[str, dict[str, Any]] = {
    "llm_filter": {"prompt": "Wet?"},
    "llm_enrich": {"prompt": "Say {{DOC.data}}"},
    "agentic_enrich": AGENT,
    "summarize": {},
    "query_expand": {},
    "cluster": {"label_clusters": True, "algorithm": "kmeans"},
}
ROWS = [{"_id": f"r{i}", "text": f"river boat {i}"} for i in range(6)]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    home = tmp_path_factory.mktemp("llm_http") / "home"
    lab = Lab(home)
    lab.load(HASH_EMBEDDER)
    lab.bucket("b", ROWS)
    lab.process("b", "hash_embedder", "docs", engine="kernel")
    app = create_app(Backend(home, LocalServices(home)), TOKEN)
    return TestClient(app, "http://127.0.0.1", headers={"authorization": f"Bearer {TOKEN}"})


@pytest.fixture(autouse=True)
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(failures, "FIRST_WAIT_S", 0.01)
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_name, raising=False)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProtocolServer]:
    server = ProtocolServer("openai")
    monkeypatch.setenv("MIXPEEK_LAB_LLM_OPENAI_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield server
    server.close()


def refusal(http: TestClient, stage_id: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """The status and the error of a search with that one stage."""
    body = {"collection": "docs", "searches": [{"feature": "hash_embedding"}], "query": "river",
            "stages": [{stage_id: {**STAGES[stage_id], **more}}]}  # fmt: skip
    answer = http.post("/v1/retrievers/execute", json=body)
    return answer.status_code, answer.json()["error"]


def test_the_table_has_every_stage_that_may_ask_a_model() -> None:
    from mixpeek_lab.retrievers import AVAILABLE
    from mixpeek_lab.retrievers.stages.generation import GeneratorParameters

    asking = {k for k, v in AVAILABLE.items() if issubclass(v.parameters, GeneratorParameters)}
    assert asking == set(STAGES)


@pytest.mark.parametrize("stage_id", STAGES)
@pytest.mark.parametrize("provider", ["google", "openai", "anthropic"])
def test_a_missing_key_is_the_caller_s_to_set(
    http: TestClient, stage_id: str, provider: str
) -> None:
    status, error = refusal(http, stage_id, provider=provider)
    name = PROVIDERS[provider].key_name
    assert (status, error["type"]) == (422, "LLMAuthenticationError")
    assert error["details"]["retryable"] is False
    assert error["message"].startswith(f"Stage {stage_id!r}: There is no API key for {provider}")
    assert f"`%secret set {name}`" in error["message"]
    assert f"`mixpeek-lab secret set {name}`" in error["message"]


@pytest.mark.parametrize("stage_id", STAGES)
def test_a_refused_key_too(http: TestClient, stage_id: str, openai: ProtocolServer) -> None:
    openai.fail(401, f"Incorrect API key provided: {KEY}", times=50)
    status, error = refusal(http, stage_id, provider="openai")
    assert (status, error["type"]) == (422, "LLMAuthenticationError")
    assert error["details"]["retryable"] is False
    assert "refuses the API key OPENAI_API_KEY" in error["message"]
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("failing", "status", "retryable"),
    [(429, 503, True), (500, 502, True), (503, 502, True), (400, 422, False), (404, 422, False)],
)
def test_what_a_provider_says_is_passed_on(
    http: TestClient, openai: ProtocolServer, failing: int, status: int, retryable: bool
) -> None:
    openai.fail(failing, "no", times=50, retry_after="0")
    got, error = refusal(http, "summarize", provider="openai", prompt=f"p{failing}")
    assert (got, error["details"]["retryable"]) == (status, retryable), error


def test_nobody_listens_and_no_address(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MIXPEEK_LAB_LLM_OPENAI_URL", "http://127.0.0.1:9/v1")
    status, error = refusal(http, "summarize", provider="openai")
    assert (status, error["details"]["retryable"]) == (502, True)
    monkeypatch.delenv("MIXPEEK_LAB_LLM_LOCAL_URL", raising=False)
    status, error = refusal(http, "summarize", provider="local", model_name="m")
    assert (status, error["details"]["retryable"]) == (422, False)
    assert "set MIXPEEK_LAB_LLM_LOCAL_URL" in error["message"]


def test_the_agent_s_second_model_needs_its_key_too(
    http: TestClient, openai: ProtocolServer
) -> None:
    openai.says = lambda _: '{"tool": "analyze_content"}'
    status, error = refusal(
        http, "agentic_enrich", provider="openai", analysis_provider={"provider": "google"}
    )
    assert status == 422
    assert "`%secret set GOOGLE_API_KEY`" in error["message"]


def test_on_error_skip_goes_on_with_a_warning(http: TestClient) -> None:
    body = {"collection": "docs", "searches": [{"feature": "hash_embedding"}], "query": "river",
            "stages": [{"summarize": {}, "on_error": "skip"}]}  # fmt: skip
    found = http.post("/v1/retrievers/execute", json=body).json()
    assert len(found["documents"]) == len(ROWS)
    assert "`%secret set GOOGLE_API_KEY`" in " ".join(found["warnings"])

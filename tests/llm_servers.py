"""Servers on loopback that speak the three providers' protocols, as their references define them.

A request that the protocol does not allow is answered with the provider's own kind of 400, whose
message says what is wrong with it: the test then fails with that message.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-test-0123456789abcdef"
USAGE = {"input": 1200, "cached": 200, "output": 50}
"""Tokens of every answer: 1,200 read, 200 of them from the prompt cache, and 50 written."""


@dataclass
class Scripted:
    """A reply other than an answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class ProtocolServer:
    """One provider. `says` gives the text of its answer to a request's body."""

    def __init__(self, provider: str) -> None:
        self.provider, self.protocol = provider, PROTOCOLS[provider]
        self.says: Callable[[dict], str] = lambda _body: "hello"
        self.script: list[Scripted] = []
        self.bodies: list[dict] = []
        self.under_way = self.most_at_once = 0
        self.delay_s = 0.0
        self.ended: str | None = None
        self.times: list[float] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        port = self._server.server_address[1]
        return f"http://127.0.0.1:{port}{self.protocol.base}"

    @property
    def calls(self) -> int:
        return len(self.times)

    def fail(self, status: int, message: str = "no", *, times: int = 1, **headers: str) -> None:
        """Answer the next calls with an error in the provider's format."""
        body = json.dumps(self.protocol.error(status, message)).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script += [Scripted(status, body, named)] * times

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, path: str, headers, raw: bytes) -> Scripted:
        with self._lock:
            self.times.append(time.monotonic())
            scripted = self.script.pop(0) if self.script else None
        if scripted is not None:
            time.sleep(scripted.delay_s)
            return scripted
        try:
            body = json.loads(raw)
            assert headers["content-type"].startswith("application/json"), "content-type"
            self.protocol.check(path, headers, body)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            wrong = self.protocol.error(400, f"protocol: {error!r}")
            return Scripted(400, json.dumps(wrong).encode())
        with self._lock:
            self.bodies.append(body)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        time.sleep(self.delay_s)
        answer = self.protocol.answer(body, path, self.says(body), self.ended)
        with self._lock:
            self.under_way -= 1
        return Scripted(200, json.dumps(answer).encode())


def _handler(server: ProtocolServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            reply = server.reply(self.path, self.headers, raw)
            try:
                self.send_response(reply.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client's patience was at its end: that is a test's subject

        def log_message(self, *_args) -> None:
            pass

    return Handler


def _keys(body: dict, required: set[str], optional: set[str]) -> None:
    assert required <= set(body), f"missing {required - set(body)}"
    assert set(body) <= required | optional, f"unknown {set(body) - required - optional}"


def _schema(schema: dict) -> None:
    """What Google and OpenAI ask of a schema: an object at the top, `items` of every array."""
    assert schema["type"] == "object", "schema must be of type object"

    def look(part) -> None:
        if isinstance(part, dict):
            assert part.get("type") != "array" or "items" in part, "array schema missing items"
            for value in part.values():
                look(value)

    look(schema)


class OpenAI:
    base = "/v1"
    key_header = ("authorization", f"Bearer {KEY}")
    limit = "max_completion_tokens"

    def check(self, path, headers, body) -> None:
        assert path == "/v1/chat/completions", path
        name, value = self.key_header
        assert headers[name] == value, "authorization"
        _keys(body, {"model", "messages"}, {self.limit, "temperature", "response_format"})
        for message in body["messages"]:
            assert message["role"] in ("system", "user"), "role"
            parts = message["content"]
            for part in [] if isinstance(parts, str) else parts:
                if part["type"] == "image_url":
                    head, _, data = part["image_url"]["url"].partition(",")
                    assert re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64", head), head
                    base64.b64decode(data, validate=True)
                else:
                    _keys(part, {"type", "text"}, set())
        if "response_format" in body:
            assert body["response_format"]["type"] == "json_schema"
            wanted = body["response_format"]["json_schema"]
            _keys(wanted, {"name", "schema"}, {"strict", "description"})
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted["name"])
            _schema(wanted["schema"])
            if wanted["strict"]:
                assert wanted["schema"]["additionalProperties"] is False, "strict"
                assert set(wanted["schema"]["required"]) == set(wanted["schema"]["properties"])

    def answer(self, body, path, text, ended) -> dict:
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
            "choices": [{
                "index": 0, "finish_reason": ended or "stop", "logprobs": None,
                "message": {"role": "assistant", "content": text, "refusal": None},
            }],
            "usage": {
                "prompt_tokens": USAGE["input"], "completion_tokens": USAGE["output"],
                "total_tokens": USAGE["input"] + USAGE["output"],
                "prompt_tokens_details": {"cached_tokens": USAGE["cached"]},
            },
        }  # fmt: skip

    def error(self, status, message) -> dict:
        code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
        return {"error": {"message": message, "type": "error", "param": None, "code": code}}


class Local(OpenAI):
    key_header = ("content-type", "application/json")
    limit = "max_tokens"


class Anthropic:
    base = ""

    def check(self, path, headers, body) -> None:
        assert path == "/v1/messages", path
        assert headers["authorization"] == f"Bearer {KEY}", "authorization"
        optional = {"system", "tools", "tool_choice"}
        if headers["anthropic-version"] == "2023-06-01":
            optional |= {"temperature"}  # removed by the version after it
        else:
            assert headers["anthropic-version"] == "2026-10-21", "anthropic-version"
        _keys(body, {"model", "max_tokens", "messages"}, optional)
        assert isinstance(body.get("system", ""), str)
        (message,) = body["messages"]
        assert message["role"] == "user"
        for part in message["content"]:
            if part["type"] == "image":
                _keys(part["source"], {"type", "media_type", "data"}, set())
                base64.b64decode(part["source"]["data"], validate=True)
            else:
                assert part["text"], "text content blocks must be non-empty"
        for tool in body.get("tools", ()):
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"])
            assert tool["input_schema"]["type"] == "object", "input_schema.type"
        choice = body.get("tool_choice")
        if choice and choice["type"] == "tool":
            assert choice["name"] in [tool["name"] for tool in body["tools"]]

    def answer(self, body, path, text, ended) -> dict:
        content, stop = [{"type": "text", "text": text}], "end_turn"
        try:
            called = json.loads(text) if "tools" in body else None
        except ValueError:
            called = None  # a model that answers in words
        if called is not None:
            name = body["tools"][0]["name"]
            call = {"type": "tool_use", "id": "toolu_1", "name": name, "input": called}
            content, stop = [call], "tool_use"
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
            "content": content, "stop_reason": ended or stop, "stop_sequence": None,
            "usage": {
                "input_tokens": USAGE["input"] - USAGE["cached"],
                "cache_read_input_tokens": USAGE["cached"], "cache_creation_input_tokens": 0,
                "output_tokens": USAGE["output"],
            },
        }  # fmt: skip

    def error(self, status, message) -> dict:
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}


class Google:
    base = ""

    def check(self, path, headers, body) -> None:
        assert re.fullmatch(r"/v1beta/models/[a-z0-9.-]+:generateContent", path), path
        assert headers["x-goog-api-key"] == KEY, "x-goog-api-key"
        _keys(body, {"contents"}, {"systemInstruction", "generationConfig"})
        (content,) = body["contents"]
        assert content["role"] == "user"
        for part in content["parts"]:
            if "inlineData" in part:
                # Proto3's JSON takes a field's name in either spelling, and either alphabet of
                # base64; Google's own client uses both freedoms here.
                (kind,) = {"mimeType", "mime_type"} & set(part["inlineData"])
                assert part["inlineData"][kind].startswith("image/")
                _keys(part["inlineData"], {kind, "data"}, set())
                base64.urlsafe_b64decode(part["inlineData"]["data"])
            else:
                _keys(part, {"text"}, set())
        if "systemInstruction" in body:
            assert body["systemInstruction"]["parts"][0]["text"]
        known = {"maxOutputTokens", "temperature", "responseMimeType", "responseJsonSchema"}
        config = body.get("generationConfig", {})
        _keys(config, set(), known)
        if "responseJsonSchema" in config:
            assert config["responseMimeType"] == "application/json", "responseMimeType"
            _schema(config["responseJsonSchema"])

    def answer(self, body, path, text, ended) -> dict:
        return {
            "candidates": [{
                "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": ended or "STOP", "index": 0,
            }],
            "usageMetadata": {
                "promptTokenCount": USAGE["input"], "candidatesTokenCount": USAGE["output"] - 20,
                "thoughtsTokenCount": 20, "cachedContentTokenCount": USAGE["cached"],
                "totalTokenCount": USAGE["input"] + USAGE["output"],
            },
            "modelVersion": path.rpartition("/")[2].partition(":")[0],
            "responseId": "r",
        }  # fmt: skip

    def error(self, status, message) -> dict:
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        named = names.get(status, "INTERNAL")
        return {"error": {"code": status, "message": message, "status": named}}


PROTOCOLS = {"openai": OpenAI(), "anthropic": Anthropic(), "google": Google(), "local": Local()}

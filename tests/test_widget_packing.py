"""Arrays in a widget's answers: from Python's bytes to what the page's modules have."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playground_parts import leg, payload_of, run_js

from mixpeek_lab.widgets import messages
from mixpeek_lab.widgets.messages import Packed, reply
from mixpeek_lab.widgets.playground import Playground

READ = """
const told = [];
const events = {};
const model = { send() {}, on: (name, each) => (events[name] = each), off() {} };
makeClient(model, (header, body) => told.push(header.ok ? body : header.error), () => {});
for (const [header, buffers] of given) {
  events["msg:custom"](header, buffers.map((text) => {
    // As a websocket has it: somewhere inside a longer message.
    const bytes = Buffer.from(`xyz${atob(text)}`, "latin1");
    return new DataView(bytes.buffer, bytes.byteOffset + 3, bytes.byteLength - 3);
  }));
}
return new Promise((done) => {
  const look = () => (told.length ? done(told.map(UNPACK)) : setTimeout(look, 5));
  look();
});
"""
LEGS = [
    leg("dense", ["a", "é\n", "c"], [0.1 + 0.2, 1e-300, -5.0]),
    leg("words", ["c", "d"], [9.0, None]),
    leg("none", [], []),
]


def read_in_js(sent, then="(body) => body"):
    """What client.js hands on for messages from Python."""
    given = [
        (header, [base64.b64encode(buffer).decode() for buffer in buffers or ()])
        for header, buffers in sent
    ]
    body = READ.replace("UNPACK", then)
    return run_js(body, given, makeClient="client.js", unpacked="playground/sending.js")


@pytest.mark.parametrize("gzip_bytes", [10, messages.GZIP_BYTES])
@pytest.mark.parametrize("part_bytes", [7, messages.PART_BYTES])
def test_packed_arrays_reach_the_page_whole(monkeypatch, gzip_bytes, part_bytes):
    monkeypatch.setattr(messages, "GZIP_BYTES", gzip_bytes)
    monkeypatch.setattr(messages, "PART_BYTES", part_bytes)
    head = {"text": "odd é", "inside": [{}, {"none": float("nan")}]}
    arrays = [
        np.array([0, -1, 2**31 - 1], "<i4").tobytes(),
        np.array([0.1 + 0.2, -0.0, 5e-324], "<f8").tobytes(),
        b"",
    ]
    sent = list(reply("push", Packed(head, arrays)).messages())
    assert (len(sent) > 1) == (part_bytes == 7)
    told = """({ head: { buffers, ...head }, arrays: [places, scores, none] }) =>
      ({ ...head, arrays: [places(Int32Array), scores(Float64Array), none(Float64Array)]
        .map((each) => [...each]) })"""
    assert read_in_js(sent, told) == [
        {
            "text": "odd é",
            "inside": [{}, {"none": None}],
            "arrays": [[0, -1, 2**31 - 1], [0.1 + 0.2, 0, 5e-324], []],
        }
    ]


def test_a_playground_s_legs_are_on_the_page_as_the_search_had_them():
    sent = []
    playground = Playground(lambda _request: payload_of(LEGS), "docs", "words")
    playground.send = lambda header, buffers=None: sent.append((header, buffers))
    playground.run()
    (payload,) = read_in_js(sent, "(body) => unpacked(body).payload")
    told = [(each["name"], each["document_ids"], each["scores"]) for each in payload["legs"]]
    assert told == [(each["name"], each["document_ids"], each["scores"]) for each in LEGS]
    assert "candidates" not in payload


def test_an_id_that_several_legs_found_goes_once():
    ids = [f"document-{n:05}" for n in range(1000)]
    scores = [1.0 / (n + 3) for n in range(1000)]
    sizes = []
    for count in (1, 5):
        legs = [leg(f"leg{n}", ids, scores) for n in range(count)]
        found = payload_of(legs) | {"documents": {}, "hits": []}
        playground = Playground(lambda _request, found=found: found, "docs")
        playground.send = lambda _header, buffers=None: sizes.append(sum(map(len, buffers)))
        playground.query = "words"
    one, five = sizes
    assert five - one < 4 * (12_000 + 1000)  # a place and a score each: 12 bytes


def test_no_search_yet_is_no_payload():
    sent = []
    playground = Playground(lambda _request: payload_of(LEGS), "docs")
    playground.send = lambda header, buffers=None: sent.append((header, buffers))
    playground.run()
    assert read_in_js(sent, "(body) => [unpacked(body).payload]") == [[None]]

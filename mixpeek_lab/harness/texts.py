"""Sample texts: ordinary ones, and those that processors stumble over."""

from __future__ import annotations

_LONG = (
    "The committee met on a rainy Tuesday to review the annual report of the harbour. "
    "Cargo had grown by seven per cent, most of it timber and grain, while the number of ferries "
    "stayed where it was. Two members asked why the new crane stood idle for eleven weeks; the "
    "engineer answered that a bearing had been delivered in the wrong size, twice, and that the "
    "third one now turns without a sound. A third member wished to know what the silence cost. "
)

ORDINARY = (
    "The quick brown fox jumps over the lazy dog.",
    "Revenue increased 22% year over year, to $4.1 million.",
    "cats",
    "How do I reset my password?",
    "Add two eggs, 200 g of flour and a pinch of salt; stir until smooth.",
    "Patients received 50 mg twice daily for six weeks.",
    "def area(r):\n    return 3.14159 * r ** 2",
    "Contact: ada@example.org, +44 20 7946 0958, https://example.org/a?b=c",
    "THE BRIDGE IS CLOSED. Use the ferry instead!",
    _LONG,
    "Title: Tides\n\nThe moon pulls the sea.\n\nThe sun helps, or hinders.",
)
"""Short and long, with numbers, code, lines and paragraphs: no two alike."""

EMPTY = ""
LONG = "".join(f"Sentence {number} of a very long document about tides. " for number in range(1000))
"""About 50,000 characters."""
UNICODE = (
    "Zürich – naïve café, 東京タワー, नमस्ते, שלום عالم, 🚀\U0001f469\u200d\U0001f467, "
    "e\u0301\u200b\u00a0\ufeff\t\x07 \\ \"'`"
)
"""Scripts in both directions, emoji, combining marks, invisible and control characters, quotes."""

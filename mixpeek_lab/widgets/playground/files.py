"""The playground's modules and style sheets, in the order in which they are joined."""

MODULES = (
    "nodes.js", "fusion.js", "documents.js", "client.js",
    "playground/ranking.js", "playground/app.js", "playground/frame.js", "playground/tabs.js",
    "playground/code.js", "playground/gone.js", "playground/media.js", "playground/hit.js",
    "playground/controls.js", "playground/results.js",
    "playground/times.js", "playground/changes.js", "playground/lines.js", "playground/picker.js",
    "playground/whynot.js", "playground/ranks.js", "playground/overlap.js",
    "playground/baseline.js", "playground/compare.js",
    "playground/judge.js", "playground/measure.js", "playground/filters.js",
    "playground/filterform.js", "playground/lineage.js", "playground/sweep.js",
    "playground/playground.js",
)  # fmt: skip
STYLES = (
    "theme.css", "playground/frame.css", "playground/controls.css", "playground/results.css",
    "playground/panels.css", "playground/ranks.css", "playground/compare.css",
    "playground/measure.css", "playground/filters.css", "playground/sweep.css",
    "playground/narrow.css",
)  # fmt: skip

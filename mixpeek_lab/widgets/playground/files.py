"""The playground's modules and style sheets, in the order in which they are joined."""

from mixpeek_lab.widgets.embedding_files import STAGE, STAGE_STYLES

MODULES = (
    "nodes.js", "bodies.js", "fusion.js", "documents.js", "client.js",
    *STAGE,
    "playground/ranking.js", "playground/sending.js", "playground/names.js", "playground/app.js",
    "playground/frame.js", "playground/tabs.js", "playground/code.js", "playground/gone.js",
    "playground/media.js", "playground/hit.js", "playground/controls.js", "playground/results.js",
    "playground/times.js", "playground/changes.js", "playground/lines.js", "playground/picker.js",
    "playground/whynot.js", "playground/ranks.js", "playground/overlap.js",
    "playground/baseline.js", "playground/compare.js", "playground/judge.js",
    "playground/measure.js", "playground/filters.js", "playground/filterform.js",
    "playground/lineage.js", "playground/sweep.js", "playground/map_parts.js",
    "playground/map_hits.js", "playground/map_filter.js", "playground/map.js",
    "playground/playground.js",
)  # fmt: skip
STYLES = (
    "theme.css", "playground/frame.css", "playground/controls.css", "playground/results.css",
    "playground/panels.css", "playground/ranks.css", "playground/compare.css",
    "playground/measure.css", "playground/filters.css", "playground/sweep.css",
    *STAGE_STYLES, "playground/map.css", "playground/narrow.css",
)  # fmt: skip

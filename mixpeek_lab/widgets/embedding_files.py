"""The embedding map's modules and style sheets, in the order in which they are joined."""

STAGE = (
    "embedding_map_geometry.js", "embedding_map_grid.js", "embedding_map_link.js",
    "embedding_map_gl.js", "embedding_map_plain.js", "embedding_map_overlay.js",
    "embedding_map_card.js", "embedding_map_frame.js", "embedding_map_legend.js",
    "embedding_map_input.js", "embedding_map_scene.js", "embedding_map_stage.js",
)  # fmt: skip
"""What the playground's map shares. `nodes.js`, `bodies.js` and `documents.js` come before."""
MODULES = ("nodes.js", "bodies.js", "documents.js", *STAGE, "embedding_map.js")
STAGE_STYLES = ("embedding_map.css", "embedding_map_panel.css")
STYLES = ("theme.css", *STAGE_STYLES)

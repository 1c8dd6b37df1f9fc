"""`%embedding_map`: a collection's vectors in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, parse_argstring

from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import pairs, unquoted
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.embedding_map import EmbeddingMap


@magics_class
class MapMagics(Magics):
    """`%embedding_map`."""

    @explained()
    @argument("collection", help="the collection")
    @argument("feature", nargs="?", help="the vector to draw, where the collection has several")
    @argument(
        "--color", default="", metavar="FIELD",
        help="the field that colours the points (default: all alike)",
    )  # fmt: skip
    @argument(
        "--method", default="pca", metavar="NAME",
        help="pca (at once), umap or tsne (default: pca)",
    )  # fmt: skip
    @argument(
        "--seed", type=int, default=0, metavar="N", help="what chance starts from (default: 0)"
    )
    @argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a parameter of the method: n_neighbors, min_dist (umap), perplexity (tsne)",
    )  # fmt: skip
    @argument("--wait", action="store_true", help="show nothing before the method is through")
    @no_var_expand
    @line_magic
    @tells_errors
    def embedding_map(self, line: str) -> EmbeddingMap:
        """Show a collection's vectors as a map: near points are alike.

        %embedding_map docs_my_extractor                     its vector
        %embedding_map docs_my_extractor my_embedding        this one of several
        %embedding_map docs_my_extractor --color package     points coloured by a field
        m = %embedding_map docs_my_extractor --method tsne --set perplexity=20
                                                             another method, and `m` to work with

        m.selected, m.filter and m.selection_sql hold what the lasso caught; m.highlight(result)
        rings a search's hits; m.query = "words" shows where a query stands, and what is near.
        A map is worked out once for each state of its collection.
        """
        options = parse_argstring(self.embedding_map, line)
        return _open(options, f"%embedding_map {line.strip()}")


def _open(options: Any, code: str) -> EmbeddingMap:
    from mixpeek_lab.magics.live import note_meanwhile
    from mixpeek_lab.widgets.embedding_map import EmbeddingMap

    collection = unquoted(options.collection)
    with note_meanwhile(f"Drawing the vectors of {collection} …"):
        shown = current_lab().maps.open(collection, options.feature, options.seed)
        widget = EmbeddingMap(
            shown.project,
            shown.ids,
            shown.documents,
            values=shown.values,
            fields=shown.fields,
            place=shown.place,
            place_finely=shown.place_finely,
            ask=shown.ask,
            sql=shown.sql,
            is_kept=shown.is_kept,
            method=options.method,
            parameters=pairs(options.set),
            color=unquoted(options.color),
            title=f"{collection} · {shown.feature}",
            code=code,
        )
        if options.wait:
            widget.wait()
    return widget

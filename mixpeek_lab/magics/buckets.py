"""`%bucket` and `%process`: data in, documents out."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.models import RunReport
from mixpeek_lab.widgets.cards import BucketCard
from mixpeek_lab.widgets.progress import RunProgress


@magics_class
class BucketMagics(Magics):
    """`%bucket` and `%process`."""

    @magic_arguments()
    @argument("name", help="the bucket's name")
    @argument("source", nargs="?", help="a variable (DataFrame, list), folder, glob or file")
    @argument("--text", action="append", help="column that holds the text; may be given again")
    @argument("--key", help="column that identifies a row across uploads")
    @argument("--append", action="store_true", help="keep objects that are not in the source")
    @line_magic
    @tells_errors
    def bucket(self, line: str) -> BucketCard:
        """Make a bucket from what you have, or show one.

        %bucket docs frame --text body        a DataFrame, a list of strings or of dicts
        %bucket notes ~/notes/**/*.md         text files, one object each
        %bucket films films.parquet --text plot
        %bucket docs                          show it
        """
        options = parse_argstring(self.bucket, line)
        source = None
        if options.source is not None:
            name = options.source.strip("\"'")
            source = self.shell.user_ns.get(name, name)
        mode = "append" if options.append else "replace"
        lab = current_lab()
        return BucketCard(lab.bucket(options.name, source, text=options.text, key=options.key, mode=mode))

    @magic_arguments()
    @argument("bucket", help="the bucket to read")
    @argument("extractor", help="the extractor to run")
    @argument("--into", help="the collection's name (default: BUCKET_EXTRACTOR)")
    @argument("--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter")
    @argument("--analyzer", help="text analysis of the BM25 index: english, plain, german, …")
    @argument("--index", action="append", default=[], metavar="FEATURE=KIND", help="flat, hnsw or ivf")
    @argument("--engine", choices=["ray", "kernel"], default="ray", help="where the steps run")
    @line_magic
    @tells_errors
    def process(self, line: str) -> None:
        """Run a bucket through an extractor into a collection; only what changed is computed.

        %process docs my_extractor
        %process docs my_extractor --into docs_v2 --param model_size=large --index my_vector=hnsw
        """
        options = parse_argstring(self.process, line)
        bar = RunProgress()
        display(bar)
        report: RunReport = current_lab().process(
            options.bucket,
            options.extractor,
            options.into,
            parameters=_pairs(options.param) or None,
            analyzer=options.analyzer,
            indexes=_pairs(options.index) or None,
            on_progress=bar.update,
            engine=options.engine,
        )
        bar.finish(report)


def _pairs(texts: list[str]) -> dict[str, Any]:
    import yaml

    for text in texts:
        if "=" not in text:
            raise InvalidInputError(f"{text!r} should read KEY=VALUE.")
    return {key: yaml.safe_load(value) for key, _, value in (t.partition("=") for t in texts)}

"""`%bucket` and `%process`: data in, documents out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.collections import delete
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.lines import pairs, read_options
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import BucketCard, BucketList, RunCard


@magics_class
class BucketMagics(Magics):
    """`%bucket` and `%process`."""

    @magic_arguments()
    @argument("name", nargs="?", help="the bucket's name")
    @argument("source", nargs="?", help="a variable (DataFrame, list), folder, glob, file or URL")
    @argument("object_id", nargs="?", help="delete: one object of the bucket alone")
    @argument("--text", action="append", help="column that holds the text; may be given again")
    @argument(
        "--blob",
        action="append",
        metavar="COLUMN[:NAME]",
        help="column with paths or URLs of files, and the blob's name; may be given again",
    )
    @argument("--key", help="column that identifies a row across uploads")
    @argument("--append", action="store_true", help="keep objects that are not in the source")
    @line_magic
    @tells_errors
    def bucket(self, line: str) -> BucketCard | BucketList | None:
        """Make a bucket from what you have, or show those there are.

        %bucket docs frame --text body        a DataFrame, a list of strings or of dicts
        %bucket notes ~/notes/**/*.md         files, one object each
        %bucket films films.parquet --text plot
        %bucket photos ~/photos               images, audio, video, PDF and text, told by content
        %bucket photos s3://my-bucket/2024/   the objects below a prefix; gs:// as well
        %bucket shop frame --text title --blob image_url:image    a column of paths or URLs
        %bucket docs                          show it
        %bucket                               all of them
        %bucket delete docs                   with its objects; refused where a collection needs it
        %bucket delete docs OBJECT_ID         one object

        A processor finds the URL of a file in batch["data"], and opens it with open_asset.
        """
        from mixpeek_lab.widgets.cards import BucketCard, BucketList

        options = read_options(self.bucket, line)
        lab = current_lab()
        if options.name is None:
            return BucketList(lab.buckets())
        if options.name == "delete" and options.source:
            delete("bucket", options.source, "object", options.object_id or "")
            return None
        if options.object_id:
            raise InvalidInputError(f"%bucket NAME SOURCE: what is {options.object_id!r} for?")
        if options.source is None:
            return BucketCard(lab.bucket(options.name))
        return BucketCard(
            lab.bucket(
                options.name,
                self._source(options.source),
                text=options.text,
                blobs=_blobs(options.blob),
                key=options.key,
                mode="append" if options.append else "replace",
            )
        )

    @magic_arguments()
    @argument("source", nargs="+", help="the bucket to read, or several; or a collection")
    @argument("extractor", help="the extractor to run")
    @argument("--into", help="the collection's name (default: BUCKET_EXTRACTOR)")
    @argument("--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter")
    @argument("--analyzer", help="text analysis of the BM25 index: english, plain, german, …")
    @argument(
        "--index", action="append", default=[], metavar="FEATURE=KIND", help="flat, hnsw, ivf"
    )
    @argument("--field", action="append", metavar="NAME", help="read this field; may be repeated")
    @argument("--engine", choices=["ray", "kernel"], help="where the steps run: ray, where it fits")
    @argument("--force", action="store_true", help="compute what has not changed as well")
    @line_magic
    @tells_errors
    def process(self, line: str) -> RunCard:
        """Run a bucket through an extractor into a collection; only what changed is computed.

        %process docs my_extractor
        %process docs my_extractor --into docs_v2 --param model_size=large --index my_vector=hnsw
        %process docs letters mails my_extractor       several buckets into one collection
        %process docs_my_extractor my_summarizer       a collection's documents into another
        %process frames describer --field caption      another field of theirs than `data`

        A collection that is made of another follows whenever that one is processed: documents that
        did not change are not computed again. lab.lineage says what is made of what.
        Interrupting the kernel stops the run; the collection keeps what it had.
        """
        from mixpeek_lab.magics.run import run_live

        options = read_options(self.process, line)
        return run_live(
            current_lab(),
            options.source,
            options.extractor,
            options.into,
            f"%process {line}",
            parameters=pairs(options.param) or None,
            analyzer=options.analyzer,
            indexes=pairs(options.index) or None,
            engine=options.engine,
            force=options.force,
            fields=options.field,
        )

    def _source(self, name: str) -> Any:
        """The variable of that name, else the name as a path."""
        if name in self.shell.user_ns:
            return self.shell.user_ns[name]
        if name.isidentifier() and not Path(name).exists():
            raise InvalidInputError(
                f"There is no variable {name!r}, nor a file or folder of that name in {Path.cwd()}."
            )
        return name


def _blobs(options: list[str] | None) -> dict[str, str] | None:
    """`COLUMN` and `COLUMN:NAME` as name → column."""
    if not options:
        return None
    found: dict[str, str] = {}
    for option in options:
        column, _, name = option.partition(":") if ":" in option else (option, "", option)
        if not column or not name:
            raise InvalidInputError(f"--blob {option}: write COLUMN or COLUMN:NAME.")
        if name in found:
            raise InvalidInputError(f"--blob: two columns are called {name!r}. Name one otherwise.")
        found[name] = column
    return found

"""`Lab`: everything the notebook does, from plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from mixpeek_lab.archives import Packed
from mixpeek_lab.catalog import DEFAULT, Catalog, ExtractorRecord, RetrieverRecord
from mixpeek_lab.cells import CellSplit, add_file, read_cell
from mixpeek_lab.engines import EngineName, choose_engine, demand_engine
from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.harness import OnResult, TestReport
from mixpeek_lab.hub import seed_hub_cache
from mixpeek_lab.indexes import check_installation
from mixpeek_lab.inspection import Inspector
from mixpeek_lab.loader import load_schemas
from mixpeek_lab.missing import expanded
from mixpeek_lab.model_store import ModelStore
from mixpeek_lab.models import JSON, Bucket, Collection, IndexKind, RunReport, SearchResult
from mixpeek_lab.requirements import dockerfile
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import extractors
from mixpeek_lab.workbench.ancestry import Ancestry
from mixpeek_lab.workbench.asking import KernelSearch
from mixpeek_lab.workbench.cascade import bring_followers
from mixpeek_lab.workbench.deletions import Deleting
from mixpeek_lab.workbench.engines import KernelEngine, RayEngine, alone
from mixpeek_lab.workbench.extractors import Definition, Preview, Saved
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.kernel_services import KernelServices
from mixpeek_lab.workbench.lab_namespaces import LabNamespaces
from mixpeek_lab.workbench.measuring import Measured
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.objects import BlobColumns, Source, load_objects
from mixpeek_lab.workbench.origins import demand_fields, source_of
from mixpeek_lab.workbench.overview import Overview
from mixpeek_lab.workbench.packages import pack_checked, read_package, with_findings
from mixpeek_lab.workbench.parameters import check_parameters
from mixpeek_lab.workbench.platform import close_lost_work
from mixpeek_lab.workbench.playing import Playing
from mixpeek_lab.workbench.playing_maps import PlayingMaps
from mixpeek_lab.workbench.quiet import quiet_model_loading
from mixpeek_lab.workbench.reporting import OnProgress, unheard
from mixpeek_lab.workbench.runs import Run, close_lost_runs
from mixpeek_lab.workbench.runtime import Runtime
from mixpeek_lab.workbench.search import Searcher
from mixpeek_lab.workbench.served import Served
from mixpeek_lab.workbench.spaces import Space, Spaces
from mixpeek_lab.workbench.status import Status
from mixpeek_lab.workbench.targets import target_collection
from mixpeek_lab.workbench.trials import Trial
from mixpeek_lab.workbench.versioned import Versioned
from mixpeek_lab.workbench.work import Work


class Lab(Served, Measured, Versioned, Deleting):
    """One lab: extractors, buckets, collections and retrievers in a home folder.

    `home` is that folder (`MIXPEEK_LAB_HOME`, else `.mixpeek_lab` here). Nothing starts until it
    is needed: `start` begins Ray and the endpoint in the background, and previews and searches
    in this process need neither. `num_cpus` and `num_gpus` bound what Ray may use (all there is).
    `port` is the endpoint's, on loopback (0: a free one); where a Ray Serve of yours runs already,
    its own port is used. `engine` says where it all runs: `ray`; `kernel`, in this process and
    without an endpoint; `auto`, Ray where the memory suffices (`mixpeek_lab.engines`).

    A context manager: leaving it stops what runs. Errors are LabErrors: `mixpeek_lab.errors`.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        num_cpus: int | None = None,
        num_gpus: int | None = None,
        port: int = 0,
        engine: Literal["auto", "ray", "kernel"] | None = None,
    ) -> None:
        place = Home.open(home)
        self._open(place, Catalog(place.catalog))
        spaces = Spaces(self._catalog, place)
        chosen = choose_engine(engine)
        self._share(Runtime(place, spaces, num_cpus, num_gpus, port, chosen))
        self.namespaces = LabNamespaces(self._runtime, self, self._beside)
        """Namespaces: `create`, `list`, `get`, `update`, `delete`; `namespace(name)` opens one."""

    def _open(self, home: Home, catalog: Catalog) -> None:
        self._home, self._catalog = home, catalog
        close_lost_runs(self._catalog, self._home)
        close_lost_work(self._catalog, self._home)
        seed_hub_cache()
        quiet_model_loading()
        self._kernel = KernelEngine(self._home.path)
        self._searcher = Searcher(self._catalog, self._home)
        self._services = KernelServices(self._catalog, self._home)
        self._drafts: dict[str, ExtractorSource] = {}
        self._refused: dict[str, Definition] = {}

    def _share(self, runtime: Runtime, namespace_id: str | None = None) -> None:
        """`namespace_id`: of another namespace than the default one."""
        self._runtime, self._namespace_id = runtime, namespace_id
        self._hub, self._session, self._endpoint = runtime.hub, runtime.session, runtime.endpoint
        self._served = runtime.endpoint.services_of(self._home.path, namespace_id)
        self._asking = KernelSearch(self._catalog, self._searcher, self._services, self._hub)

    def _beside(self, space: Space) -> Lab:
        """The lab of another namespace: in a home of its own, over the same Ray and endpoint."""
        lab = Lab.__new__(Lab)
        lab._open(space.home, space.catalog)
        lab._share(self._runtime, space.namespace_id)
        lab.namespaces = self.namespaces
        return lab

    # ------------------------------------------------------------ lifecycle

    @property
    def home(self) -> Path:
        """The folder that holds all that lasts."""
        return self._home.path

    @property
    def name(self) -> str:
        """What its namespace is called: `default`, unless it is another one or was renamed."""
        return self.namespaces.get(self._namespace_id or DEFAULT).name

    def namespace(self, name: str) -> Lab:
        """The lab of another namespace, by its name or id, over the same Ray and endpoint.

        It has buckets, collections, extractors, retrievers and secrets of its own. It ends with
        this lab. NotFoundError.
        """
        return self.namespaces.open(name)

    @property
    def models(self) -> ModelStore:
        """Custom weights: `lab.models.add(path, name)`, for `load_namespace_model(name)`."""
        return ModelStore(self.home)

    @cached_property
    def lineage(self) -> Ancestry:
        """What is made of what: `lab.lineage.trace(collection, document_id)`, `change`, …"""
        return Ancestry(self._catalog, self._home)

    @cached_property
    def work(self) -> Work:
        """What goes on in the background: `lab.work.tasks()`, `lab.work.cancel(task_id)`."""
        return Work(self._catalog, self._home)

    @cached_property
    def playing(self) -> Playing:
        """What the playground asks beside its searches: fields, filters, likeness, lineage."""
        explain = partial(self._asking.execute, explain=True)
        maps = PlayingMaps(self._searcher, self.maps, self._query_vectors)
        return Playing(self._catalog, self._searcher, explain, self._depths, maps)

    @cached_property
    def overview(self) -> Overview:
        """What a view shows all the time, told at once: `glance`, `runs`."""
        return Overview(self._catalog, self._runtime, self._searcher, self.home)

    def start(self, *, serve: bool = True, wait: bool = False) -> Status:
        """Start Ray and, with `serve`, the HTTP endpoint: in the background, or `wait` for them.

        What goes wrong in the background is in `status()`; with `wait` it is raised: EngineError.
        Where the engine is the kernel, nothing has to start.
        """
        self._runtime.start(serve=serve, wait=wait)
        return self.status()

    def stop(self) -> None:
        """Stop the endpoint and Ray, if this lab started them. What is on disk stays.

        May be called at any time and more than once; `start` starts them again. What another
        namespace than the default one shares with it stays: the lab itself stops it.
        """
        if self._namespace_id is None:
            self._runtime.stop()

    def end(self) -> None:
        """Stop for good, at the end of the process: quicker than `stop`.

        What runs in the lab's own Ray is not asked to stop, but ends with it.
        """
        if self._namespace_id is None:
            self._runtime.end()

    def status(self) -> Status:
        """What is running, and where."""
        problems = filter(None, [check_installation()])
        deployed, work = tuple(self._served.deployed), self.work.describe()
        ray, serve = self._runtime.describe_ray(), self._runtime.describe_serve()
        told = (ray, serve, self.url, deployed, work, tuple(problems))
        return Status(self.home, *told, namespace=(self._namespace_id and self.name) or "")

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ------------------------------------------------------------ extractors

    def define(self, name: str, cell: str, file: str | None = None) -> Definition:
        """Define extractor `name` from a notebook cell: a whole package, or one `file` of it.

        What the checks found is in the answer; an extractor with errors is not kept.
        """
        if file is not None:
            source = self._drafts[name] = add_file(self.draft(name), name, file, cell)
            if source.text("manifest.py") is None:
                return Definition(source, None, (), is_kept=False)
            return self._keep(source)
        split = read_cell(name, cell)
        self._drafts[name] = split.source
        return self._keep(split.source, split)

    def load(self, path: str | Path, name: str | None = None) -> Definition:
        """Define an extractor from a package on disk: a folder, a .zip or a .tar.gz.

        Its name is the manifest's, unless given. What the checks found is in the answer; one with
        errors is not kept, and using it says why.
        """
        package = read_package(Path(path), name)
        return with_findings(self._keep(package.source), package)

    def save(self, name: str, folder: str | Path = ".") -> Saved:
        """Write extractor `name` as the package that Mixpeek takes, in a folder of its name.

        What an earlier save left in it is removed; files of others stay, and are in `left`.
        """
        return extractors.save(self._catalog, self.extractor(name), expanded(folder))

    def dockerfile(self, name: str) -> str:
        """A Dockerfile for the extractor: Mixpeek's engine image with the manifest's packages."""
        return dockerfile(self.extractor(name).manifest)

    def pack(self, name: str, path: str | Path | None = None, *, force: bool = False) -> Packed:
        """Lint extractor `name` and write it as the .zip that Mixpeek takes, `NAME.zip` here.

        `path` is another file, or a folder that is there. The same code gives the same bytes on
        every machine. ManifestError with all findings where one is an error, unless `force`.
        """
        source = self.extractor(name).source
        return pack_checked(source, expanded(path or "."), force=force)

    def check(self, name: str) -> Definition:
        """Lint the extractor again."""
        return extractors.check(self.extractor(name).source)

    def extractor(self, name: str) -> ExtractorRecord:
        """An extractor's working state, or what `name@1.0.0` or `name@tag` stands for.

        ManifestError where the only definition was refused.
        """
        try:
            return self.versions.find(name)
        except NotFoundError:
            if name in self._refused:
                extractors.demand(self._refused[name])
            raise

    def extractors(self) -> list[ExtractorRecord]:
        """The current version of each extractor."""
        return self._catalog.extractors()

    def preview(
        self, name: str, rows: Source, parameters: Mapping[str, JSON] | None = None
    ) -> Preview:
        """Run a few rows through the extractor in this process, at once and without Ray.

        InvalidInputError where its `parameter_schema` refuses the parameters.
        """
        record, given = self.extractor(name), parameters or {}
        check_parameters(record, self.home, given)
        self._hub.settle()
        schemas = load_schemas(record.source, self.home)
        return extractors.preview(self._kernel, record, schemas, rows, given)

    def test(
        self,
        name: str,
        rows: Source | None = None,
        *,
        parameters: Mapping[str, JSON] | None = None,
        engine: EngineName | None = None,
        no_parity: str = "",
        on_result: OnResult | None = None,
    ) -> TestReport:
        """Test an extractor against its contract: its batch steps, its service, and both together.

        On `rows`, or on rows made from its manifest; in this process, then on Ray Data and on its
        service deployed on Ray Serve (with the engine `kernel`, in this process alone).
        `no_parity` says why batch and realtime need not agree. Nothing of it stays: no documents,
        no deployment.
        """
        engine = demand_engine(engine or self.engine.name)
        self._hub.settle()
        trial = Trial(self.extractor(name), self.home, self._kernel, parameters or {}, no_parity)
        if engine == "kernel":
            return trial.run(rows, lambda: trial.ask_here(self._services), None, on_result)
        self.engine.demand_ray()
        self._session.wait()
        on_ray = trial.on(RayEngine(self._session, self.home))
        with alone(self._runtime.running), trial.deployed(self._served, self.deploy) as service:
            return trial.run(rows, service, on_ray, on_result)

    # ------------------------------------------------------------ buckets and collections

    def bucket(
        self,
        name: str,
        source: Source | None = None,
        *,
        text: str | Sequence[str] | None = None,
        blobs: BlobColumns | None = None,
        key: str | None = None,
        mode: Literal["replace", "append"] = "replace",
    ) -> Bucket:
        """The bucket `name`; with `source`, made of it (see `load_objects` for what it may be).

        DataFrames, lists and table files of texts (`text` names the column) and of paths or URLs
        of images, audio, video and PDF (`blobs`: a column, several, or `{"image": "image_url"}`);
        folders, globs, s3:// and gs:// prefixes. What a file is, its content says.

        A bucket that exists is brought in line with `source`: unchanged objects stay as they are,
        objects that are gone are removed (`mode="append"` keeps them). What of `source` could not
        be used is in the bucket's `notes`. InvalidInputError.
        """
        if source is None:
            return self._catalog.bucket(name)
        if mode not in ("replace", "append"):
            raise InvalidInputError(f"mode={mode!r} is neither 'replace' nor 'append'.")
        loaded = load_objects(source, text=text, key=key, blobs=blobs)
        try:
            bucket = self._catalog.bucket(name)
            kept = bucket.schema if mode == "append" else {}
            bucket = self._catalog.set_schema(bucket, {**kept, **loaded.schema})
        except NotFoundError:
            bucket = self._catalog.create_bucket(new_name(name, "bucket"), loaded.schema)
        self._catalog.put_objects(
            bucket, loaded.objects, loaded.metadata_hashes, prune=mode == "replace"
        )
        return replace(self._catalog.bucket(name), notes=loaded.notes)

    def rename_bucket(self, name: str, new: str) -> Bucket:
        """Give a bucket another name; what is made of it stays so. ConflictError: it is taken."""
        with self._catalog.together():
            found = replace(self._catalog.bucket(name), name=new_name(new, "bucket"))
            self._catalog.update_bucket(found)
        return self._catalog.bucket(found.bucket_id)

    def buckets(self) -> list[Bucket]:
        """All buckets."""
        return self._catalog.buckets()

    def process(
        self,
        source: str | Sequence[str],
        extractor: str,
        collection: str | None = None,
        *,
        parameters: Mapping[str, JSON] | None = None,
        analyzer: str | None = None,
        indexes: Mapping[str, IndexKind] | None = None,
        on_progress: OnProgress | None = None,
        engine: EngineName | None = None,
        force: bool = False,
        fields: Sequence[str] | None = None,
    ) -> RunReport:
        """Run a bucket through an extractor into a collection (`BUCKET_EXTRACTOR` by default).

        `source`: a bucket, several buckets, or a collection (or several): its documents are the
        rows then. `fields`: which of its blobs, or of the documents' fields (`data`), are read.
        Whatever is made of the collection follows; the notes of the report say how.
        Only new and changed rows are computed; with `force`, all of them. `analyzer` and `indexes`
        (feature → flat, hnsw or ivf) say how it is indexed. Rows that fail are in the report and do
        not stop the others. `engine` is the lab's own where it is not given.
        InvalidInputError where the extractor's `parameter_schema` refuses the parameters.
        """
        engine = demand_engine(engine or self.engine.name)
        self._hub.settle()
        record = self.extractor(extractor)
        names = [source] if isinstance(source, str) else list(source)
        made_of = source_of(self._catalog, names)
        demand_fields(self._catalog, self._home.path / "collections", made_of, fields or ())
        target = target_collection(
            self._catalog,
            collection or "_".join([*names, record.manifest.name]),
            made_of,
            record,
            parameters,
            analyzer,
            indexes,
            partial(check_parameters, record, self.home),
            fields,
        )
        runner = RayEngine(self._session, self.home) if engine == "ray" else self._kernel
        run = Run(
            self._catalog,
            self._home.snapshots(target.collection_id),
            target,
            record,
            runner,
            load_schemas(record.source, self.home),
            on_progress or unheard,
            force=frozenset("*" if force else ()),
            shows_prints=on_progress is not None,
        )
        with alone(self._runtime.running), self.overview.followed(run) as run:
            report = run.execute()
            told = bring_followers(self._home, run, report)
        stale = extractors.explain_refused(self._refused.get(extractor))
        return replace(report, notes=(*stale, *report.notes, *told))

    def collection(self, name: str) -> Collection:
        """The collection of that name or id."""
        return self._catalog.collection(name)

    def collections(self) -> list[Collection]:
        """All collections."""
        return self._catalog.collections()

    # ------------------------------------------------------------ retrievers and search

    def retriever(self, name: str, body: Mapping[str, JSON]) -> RetrieverRecord:
        """Define a retriever, or define it anew; its shape, collections and features are checked.

        `{"collection": …, "searches": [{"feature": …}, {"lexical": true}], "fusion": "rrf"}`, or
        any of Mixpeek's shapes. RetrieverError, NotFoundError.
        """
        spec, notes = self._searcher.resolve(body, name)
        record = self._catalog.put_retriever(new_name(name, "retriever"), spec.as_dict())
        return replace(record, notes=notes)

    def retrievers(self) -> list[RetrieverRecord]:
        """All retrievers."""
        return self._catalog.retrievers()

    def search(
        self, retriever: str | Mapping[str, JSON], query: str | Mapping[str, JSON], **options: JSON
    ) -> SearchResult:
        """Search in this process, without Ray. `options`: limit, offset, filters, fusion, weights,
        top_k (leg name → candidates).

        `retriever` is a name or a definition; `query` a text or the retriever's inputs. A query
        is embedded by the code that made the collection, whatever the extractor is by now.
        RetrieverError, FilterError, NotFoundError; ExtractorError where that code fails.
        """
        request: dict[str, JSON] = {"inputs" if isinstance(query, Mapping) else "query": query}
        _, result = self._asking.search(retriever, {**request, **options})
        return result

    def infer(
        self,
        extractor: str,
        inputs: Mapping[str, JSON],
        parameters: Mapping[str, JSON] | None = None,
    ) -> dict[str, JSON]:
        """Ask an extractor's realtime.py, in this process and without Ray; its answer.

        `extractor`: a name, `name@version` or a feature's URI. The answer is checked against the
        contract of the extractor's inference_type. ExtractorError where its code fails or breaks
        that contract; NotFoundError.
        """
        self._hub.settle()
        return self._services.infer(extractor, inputs, parameters or {})

    # ------------------------------------------------------------ inspection

    def sql(self, query: str) -> Any:
        """Run SQL with DuckDB over documents, runs and failures; a `Result` (see `inspection`)."""
        return Inspector(self._catalog, self._home.path).query(query)

    def pages(self, query: str) -> Any:
        """The query's rows kept by DuckDB, in `inspection.Pages`; an `Explorer` shows them."""
        return Inspector(self._catalog, self._home.path).pages(query)

    def tables(self) -> Iterable[str]:
        """Names that `sql` knows."""
        return Inspector(self._catalog, self._home.path).names()

    # ------------------------------------------------------------ plumbing

    def draft(self, name: str) -> ExtractorSource | None:
        """What the files defined so far make up: a later cell adds to it."""
        if name in self._drafts:
            return self._drafts[name]
        try:
            return self._catalog.extractor(name).source
        except NotFoundError:
            return None

    def _keep(self, source: ExtractorSource, split: CellSplit | None = None) -> Definition:
        definition = extractors.keep(self._catalog, extractors.check_named(source, split))
        self._refused.pop(source.name, None)
        if not definition.is_kept:
            self._refused[source.name] = definition
        return definition

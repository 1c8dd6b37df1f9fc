"""`Lab`: everything the notebook does, from plain Python."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from mixpeek_lab.archives import Packed
from mixpeek_lab.catalog import Catalog, ExtractorRecord, RetrieverRecord
from mixpeek_lab.cells import CellSplit, add_file, read_cell
from mixpeek_lab.engines import EngineName, choose_engine, demand_engine
from mixpeek_lab.errors import EngineError, InvalidInputError, NotFoundError
from mixpeek_lab.harness import OnResult, TestReport
from mixpeek_lab.hub import seed_hub_cache
from mixpeek_lab.indexes import check_installation
from mixpeek_lab.inspection import Inspector
from mixpeek_lab.loader import load_schemas
from mixpeek_lab.model_store import ModelStore
from mixpeek_lab.models import JSON, Bucket, Collection, IndexKind, RunReport, SearchResult
from mixpeek_lab.ray_session import RaySession
from mixpeek_lab.requirements import dockerfile
from mixpeek_lab.serving import Endpoint, GatewayConfig
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import extractors
from mixpeek_lab.workbench.ancestry import Ancestry
from mixpeek_lab.workbench.asking import KernelSearch
from mixpeek_lab.workbench.cascade import bring_followers
from mixpeek_lab.workbench.engines import KernelEngine, RayEngine, alone
from mixpeek_lab.workbench.extractors import Definition, Preview, Saved
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.kernel_services import KernelServices
from mixpeek_lab.workbench.measuring import Measured
from mixpeek_lab.workbench.names import new_name
from mixpeek_lab.workbench.network import HubCheck
from mixpeek_lab.workbench.objects import BlobColumns, Source, load_objects
from mixpeek_lab.workbench.origins import demand_fields, source_of
from mixpeek_lab.workbench.packages import pack_checked, read_package, with_findings
from mixpeek_lab.workbench.parameters import check_parameters
from mixpeek_lab.workbench.platform import close_lost_work
from mixpeek_lab.workbench.quiet import quiet_model_loading
from mixpeek_lab.workbench.reporting import OnProgress
from mixpeek_lab.workbench.runs import Run, close_lost_runs
from mixpeek_lab.workbench.search import Searcher
from mixpeek_lab.workbench.status import Status
from mixpeek_lab.workbench.targets import target_collection
from mixpeek_lab.workbench.trials import Trial
from mixpeek_lab.workbench.versioned import Versioned
from mixpeek_lab.workbench.work import Work

API = "mixpeek_lab.api.app:create_app"
BACKEND = "mixpeek_lab.workbench.backend:Backend"
WORKER = "mixpeek_lab.workbench.platform.worker:Worker"


class Lab(Measured, Versioned):
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
        self.engine = choose_engine(engine)
        self._home = Home.open(home)
        self._catalog = Catalog(self._home.catalog)
        close_lost_runs(self._catalog, self._home)
        close_lost_work(self._catalog, self._home)
        seed_hub_cache()
        quiet_model_loading()
        self._hub = HubCheck()
        self._session = RaySession(num_cpus, num_gpus, prepare=self._hub.settle)
        config = GatewayConfig(self._home.path, self._home.token(), BACKEND, API, port, WORKER)
        self._endpoint = Endpoint(config)
        self._kernel = KernelEngine(self._home.path)
        self._searcher = Searcher(self._catalog, self._home)
        self._services = KernelServices(self._catalog, self._home)
        self._asking = KernelSearch(self._catalog, self._searcher, self._services, self._hub)
        self._running = threading.Lock()
        self._serving = threading.Lock()
        self._starter: threading.Thread | None = None
        self._drafts: dict[str, ExtractorSource] = {}
        self._refused: dict[str, Definition] = {}

    # ------------------------------------------------------------ lifecycle

    @property
    def home(self) -> Path:
        """The folder that holds all that lasts."""
        return self._home.path

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

    @property
    def token(self) -> str:
        """The endpoint's bearer token."""
        return self._home.token()

    @property
    def url(self) -> str:
        """The endpoint's address; empty while it is down."""
        return self._endpoint.url

    def start(self, *, serve: bool = True, wait: bool = False) -> Status:
        """Start Ray and, with `serve`, the HTTP endpoint: in the background, or `wait` for them.

        What goes wrong in the background is in `status()`; with `wait` it is raised: EngineError.
        Where the engine is the kernel, nothing has to start.
        """
        if self.engine.name == "kernel":
            return self.status()
        self._session.start()
        if wait and serve:
            self._start_endpoint()
        elif wait:
            self._session.wait()
        elif serve and not self._endpoint.is_up and not self._is_starting():
            self._starter = threading.Thread(
                target=self._start_quietly, name="mixpeek-lab-start", daemon=True
            )
            self._starter.start()
        return self.status()

    def stop(self) -> None:
        """Stop the endpoint and Ray, if this lab started them. What is on disk stays.

        May be called at any time and more than once; `start` starts them again.
        """
        with self._serving:
            self._endpoint.stop()
            self._session.stop()

    def end(self) -> None:
        """Stop for good, at the end of the process: quicker than `stop`.

        What runs in the lab's own Ray is not asked to stop, but ends with it.
        """
        if self._session.is_ours:
            self._session.stop()
        else:
            self.stop()

    def status(self) -> Status:
        """What is running, and where."""
        serve = self._endpoint.describe()
        if self._endpoint.state == "off" and self._is_starting():
            serve = "Serve: waits for Ray"
        problems = filter(None, [check_installation()])
        deployed, work = tuple(self._endpoint.deployed), self.work.describe()
        ray = self._session.describe()
        if self.engine.name == "kernel" and self._session.state == "off":
            ray, serve = f"Engine: this kernel, without Ray ({self.engine.why})", "Serve: not used"
        told = (ray, serve, self.url, deployed, work, tuple(problems))
        return Status(self.home, *told)

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
        return extractors.save(self._catalog, self.extractor(name), Path(folder))

    def dockerfile(self, name: str) -> str:
        """A Dockerfile for the extractor: Mixpeek's engine image with the manifest's packages."""
        return dockerfile(self.extractor(name).manifest)

    def pack(self, name: str, path: str | Path | None = None, *, force: bool = False) -> Packed:
        """Lint extractor `name` and write it as the .zip that Mixpeek takes, `NAME.zip` here.

        `path` is another file, or a folder that is there. The same code gives the same bytes on
        every machine. ManifestError with all findings where one is an error, unless `force`.
        """
        source = self.extractor(name).source
        return pack_checked(source, Path(path or "."), force=force)

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
        with alone(self._running), trial.deployed(self._endpoint, self.deploy) as service:
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
            on_progress or (lambda _: None),
            force=frozenset("*" if force else ()),
        )
        with alone(self._running):
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
        """Search in this process, without Ray. `options`: limit, offset, filters, fusion, weights.

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

    # ------------------------------------------------------------ serving

    def deploy(self, name: str, digest: str | None = None) -> str:
        """Deploy the extractor's realtime service; returns its application once it is loaded.

        The current version, or the one with that `digest`. Versions run side by side; those that
        are neither current, nor behind any collection or stage, nor deployed over HTTP are taken
        down. Starts the endpoint where it is down. EngineError, with the extractor's line, where
        its code does not load.
        """
        record = self._catalog.extractor(name, digest=digest) if digest else self.extractor(name)
        name = record.manifest.name
        if record.source.text("realtime.py") is None:
            raise InvalidInputError(
                f"Extractor {name!r} has no realtime.py: it is batch only. "
                "Add an InferenceService to deploy it."
            )
        self._start_endpoint()
        on_gpu = record.manifest.compute_profile.resource_type == "gpu" and self._session.gpus > 0
        threads = max(1, int(self._session.cpus))
        note = partial(self._catalog.put_deployment, name, record.source.digest, "lab")
        try:
            app = self._endpoint.deploy(record.source, name, threads=threads, on_gpu=on_gpu)
        except EngineError as error:
            note("FAILED", str(error))
            raise
        note("DEPLOYED")
        needed = {c.extractor_digest for c in self._catalog.collections() if c.extractor == name}
        needed |= {record.source.digest, self._catalog.extractor(name).source.digest}
        needed |= {d.digest for d in self._catalog.deployments() if d.owner == "api"}
        needed |= self._searcher.behind_stages(name)
        self._endpoint.retire(name, needed)
        return app

    def serve(self, retriever: str) -> str:
        """Deploy whatever the retriever's queries need; returns the URL that executes it.

        POST to it with `Authorization: Bearer` and `lab.token`. Errors as for `deploy`.
        """
        record = self._catalog.retriever(retriever)
        services = self._searcher.services(retriever)
        self._start_endpoint()
        for service in services:
            self.deploy(service.extractor, service.digest)
        return f"{self.url}/v1/retrievers/{record.retriever_id}/execute"

    def prepare(self, retriever: str) -> None:
        """Make ready what the retriever's queries need: served, or loaded in this process."""
        if self.engine.name == "kernel":
            self._hub.settle()
            self._asking.load(retriever)
        else:
            self.serve(retriever)

    def execute(self, retriever: str, body: Mapping[str, JSON], *, explain: bool = False) -> Any:
        """Execute a stored retriever through the running endpoint; the answer is its JSON.

        `body`: `{"query": "text", "limit": 10}`, `{"inputs": {…}}`, … With `explain`, every
        candidate of every leg. EngineError while the endpoint or a service is down. Where the
        engine is the kernel, this process answers.
        """
        if self.engine.name == "kernel" and not self._endpoint.is_up:
            return self._asking.execute(retriever, body, explain=explain)
        method = "explain" if explain else "execute"
        services = self._searcher.services(retriever) if self._endpoint.is_up else []
        near = (services[0].extractor, services[0].digest) if services else None
        return self._endpoint.call(method, near=near, retriever=retriever, body=dict(body))

    # ------------------------------------------------------------ inspection

    def sql(self, query: str) -> Any:
        """Run SQL with DuckDB over documents, runs and failures; a `Result` (see `inspection`)."""
        return Inspector(self._catalog, self._home.path).query(query)

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

    def _is_starting(self) -> bool:
        return self._starter is not None and self._starter.is_alive()

    def _start_endpoint(self) -> None:
        if self._endpoint.is_up:
            return
        self.engine.demand_ray()
        self._session.wait()
        with self._serving:
            if self._session.state != "ready":
                raise EngineError("The lab was stopped while it was starting.")
            self._endpoint.start()

    def _start_quietly(self) -> None:
        """In the background: errors are kept by the session and the endpoint, for `status`."""
        with suppress(EngineError):
            self._start_endpoint()

"""What the security rules look for, why, and what to use instead.

"error" is what Mixpeek's published list blocks, under whatever name and by whatever route, and
what does the same thing (starts processes, runs text as code). "warning" is what the list does not
name, and what a reviewer would ask about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mixpeek_lab.findings import Severity

RUN_TOOL = "Use run_tool(tool, args, timeout) of shared.extractors.sdk."
PARALLEL = "Use parallel_io(items, fn, max_workers), or raise max_concurrency in compute_profile."
READERS = "Use open_asset(url) for blobs, or a library's own reader: pd.read_csv, Image.open."
PLAIN_CODE = "Use json.loads() for data, and plain code for the rest."
ASSIGN = "Assign the attribute by its name: self.name = value."
DIRECT = "Write the name out: a plain import and a plain attribute."
PYTHON_PACKAGE = "Use a Python package for it, or a container image with the library."
SAFE_DATA = "Use a format that holds data only: safetensors, Parquet, JSON, npz without pickles."
TIMEOUT = "Give a timeout to the call that may take long."
WITHOUT = "Leave it out: an extractor has no need of Python's internals."

REJECTED = "must not be used: Mixpeek rejects the extractor."


@dataclass(frozen=True, slots=True)
class Blocked:
    """What must not be used: the rule it breaks, how serious that is, why, what to do instead."""

    rule: str
    severity: Severity
    why: str
    """Completes "`os.system` …"."""
    instead: str


_SUBPROCESS = "starts processes, which Mixpeek rejects."
_RUNS_CODE = "runs code that the scanner cannot see, as exec() does."
_LOADS_CODE = "runs whatever code the data names."
_OPENS = "opens files as open() does, which Mixpeek rejects."
_NATIVE = "loads native code, as ctypes does."
_HOOKS = "changes how the interpreter runs for everybody in this process."
_FRAMES = "gives access to other code's variables."

_LISTED: tuple[tuple[tuple[str, ...], Severity, str, str], ...] = (
    (("subprocess", "subprocess32"), "error", "", RUN_TOOL),
    (("ctypes", "_ctypes"), "error", "", PYTHON_PACKAGE),
    (("socket", "_socket"), "error", "",
     "Use requests or httpx, or open_asset() for the blobs themselves."),
    (("multiprocessing",), "error", "", PARALLEL),
    (("threading", "_thread"), "warning", "is blocked by some of Mixpeek's public pages.",
     "Use parallel_io(items, fn, max_workers) or concurrent_api_calls(items, fn)."),
)  # fmt: skip
"""Names of a module, how serious, why if it is not on Mixpeek's list, what to use instead."""

_IMPORTS: tuple[tuple[str, Blocked], ...] = (
    *(
        (name, Blocked("SEC001", severity, why, instead))
        for names, severity, why, instead in _LISTED
        for name in names
    ),
    *(
        (name, Blocked("SEC003", "warning", "starts compilers and other programs.",
                       "Name what you need in the manifest: dependencies=[…]."))
        for name in ("distutils", "setuptools")
    ),
    *(
        (name, Blocked("SEC001", "warning", "listens on a socket.",
                       "Answer queries in realtime.py: the platform serves it."))
        for name in ("socketserver", "http.server", "xmlrpc.server")
    ),
    ("torch.multiprocessing", Blocked("SEC001", "warning", "is multiprocessing.", PARALLEL)),
    ("pty", Blocked("SEC003", "error", _SUBPROCESS, RUN_TOOL)),
    *(
        (name, Blocked("SEC003", "error", _SUBPROCESS, RUN_TOOL))
        for name in (
            "_posixsubprocess", "pexpect", "ptyprocess", "sh", "plumbum", "fabric", "invoke",
            "webbrowser", "antigravity", "distutils.spawn", "IPython.utils.process",
            "psutil.Popen", "asyncio.subprocess", "popen2", "commands",
        )
    ),
    *(
        (name, Blocked("SEC003", "error", "installs or starts other programs.",
                       "Name it in the manifest: dependencies=[…] or system_packages=[…]."))
        for name in ("pip", "ensurepip", "venv")
    ),
    *(
        (name, Blocked("SEC003", "error", _SUBPROCESS, PARALLEL))
        for name in ("billiard", "multiprocess", "pathos", "loky", "_multiprocessing")
    ),
    *(
        (name, Blocked("SEC006", "error", _RUNS_CODE, PLAIN_CODE))
        for name in (
            "code", "codeop", "runpy", "zipimport", "imp", "pdb", "bdb", "pyximport", "py_compile",
            "compileall", "doctest",
        )
    ),
    *(
        (name, Blocked("SEC008", "error", _NATIVE, PYTHON_PACKAGE))
        for name in (
            "cffi", "_cffi_backend", "numpy.ctypeslib", "numpy.f2py", "cppyy",
            "torch.utils.cpp_extension",
        )
    ),
    *(
        (name, Blocked("SEC005", "warning", "opens files as open() does.", READERS))
        for name in ("fileinput", "linecache")
    ),
    ("signal", Blocked("SEC010", "warning", _HOOKS, TIMEOUT)),
)  # fmt: skip

_CALLS: tuple[tuple[str, Blocked], ...] = (
    (r"os\.(system|popen)", Blocked("SEC002", "error", REJECTED, RUN_TOOL)),
    (r"os\.(exec|spawn)\w*", Blocked("SEC002", "error", REJECTED, RUN_TOOL)),
    (r"builtins\.(eval|exec)", Blocked("SEC002", "error", REJECTED, PLAIN_CODE)),
    (r"(builtins|io)\.open", Blocked("SEC002", "error", REJECTED, READERS)),
    (r"builtins\.setattr", Blocked("SEC002", "error", REJECTED, ASSIGN)),
    (
        r"builtins\.delattr",
        Blocked("SEC002", "error", REJECTED, "Delete it by its name, or set it to None."),
    ),
    (r"builtins\.__import__", Blocked("SEC002", "error", REJECTED, "Write an import statement.")),
    # ----- processes
    (r"os\.(fork|forkpty|posix_spawnp?|startfile|popen[234])",
     Blocked("SEC003", "error", _SUBPROCESS, RUN_TOOL)),
    (r"asyncio(\.\w+)*\.(create_subprocess|subprocess)_(exec|shell)",
     Blocked("SEC003", "error", _SUBPROCESS, RUN_TOOL)),
    (r"(concurrent\.futures\.|.*\.)?ProcessPoolExecutor",
     Blocked("SEC003", "error", _SUBPROCESS, PARALLEL)),
    (r"(.*\.)?(loky|billiard|pathos|multiprocess)\.[\w.]+",
     Blocked("SEC003", "error", _SUBPROCESS, PARALLEL)),
    (r"(pty|psutil)\.(spawn|fork|Popen)", Blocked("SEC003", "error", _SUBPROCESS, RUN_TOOL)),
    (r"(IPython(\.core\.getipython)?\.)?get_ipython|IPython\.(start_ipython|embed)",
     Blocked("SEC003", "error", "runs shell commands and magics of the notebook.", RUN_TOOL)),
    # ----- files
    (r"(codecs|os|tokenize)\.(open|fdopen)|io\.(FileIO|open_code)",
     Blocked("SEC005", "error", _OPENS, READERS)),
    (r"pathlib\.\w*Path(\(\))?\.(open|(read|write)_(text|bytes))",
     Blocked("SEC005", "warning", "opens files as open() does; Mixpeek's list names open().",
             READERS)),
    # ----- code
    (r"builtins\.compile|types\.(FunctionType|LambdaType|CodeType)|codeop\.\w+|code\.\w+"
     r"|runpy\.run_\w+|builtins\.breakpoint",
     Blocked("SEC006", "error", _RUNS_CODE, PLAIN_CODE)),
    (r"importlib\.(util\.(spec_from_|module_from_)\w+|machinery\.\w*(Loader|Finder))"
     r"|importlib\._bootstrap\w*\.\w+|zipimport\.\w+|(.*\.)?(exec|load)_module|(.*\.)?exec_code",
     Blocked("SEC006", "error", _RUNS_CODE, "Put the code into a .py file of the package.")),
    (r"(cProfile|profile|pdb)\.(run|runctx|runeval|runcall)|timeit\.(timeit|repeat|Timer)"
     r"|trace\.Trace\(\)\.run\w*|(cP|p)rofile\.Profile\(\)\.run\w*",
     Blocked("SEC006", "error", _RUNS_CODE, "Call the function itself.")),
    (r"pandas\.eval|numexpr\.evaluate|sympy\.(sympify|parse_expr)|typing\.(ForwardRef|_eval_type)"
     r"|mako\.template\.Template|sympy\.parsing\.\w+\.parse_expr|logging\.config\.(listen|\w+Config)",
     Blocked("SEC006", "warning", "evaluates text as code.", PLAIN_CODE)),
    # ----- deserialisation
    (r"(c?[pP]ickle|dill|cloudpickle|joblib|marshal|torch\.package|jsonpickle|pickle5)"
     r"\.(loads?|Unpickler|decode|PackageImporter)|joblib\.numpy_pickle\.load|shelve\.\w*(open|Shelf)"
     r"|(pandas(\.\w+)*|pickle)\.read_pickle|yaml\.(unsafe_load|unsafe_load_all|full_load|full_load_all)"
     r"|pickle\.Unpickler\(\)\.load",
     Blocked("SEC007", "warning", _LOADS_CODE, SAFE_DATA)),
    # ----- native code
    (r"torch\.utils\.cpp_extension\.load\w*|torch\.(ops|classes)\.load_library|numpy\.ctypeslib\.\w+",
     Blocked("SEC008", "error", _NATIVE, PYTHON_PACKAGE)),
    # ----- internals
    (r"gc\.get_(objects|referrers|referents)", Blocked("SEC009", "error", _FRAMES, WITHOUT)),
    (r"sys\._(getframe|current_frames|current_exceptions)"
     r"|inspect\.(currentframe|stack|trace|get(outer|inner)frames)",
     Blocked("SEC009", "warning", _FRAMES, WITHOUT)),
    (r"__(loader|spec)__(\..+)?", Blocked("SEC009", "error", "imports past the import statement.",
                                          "Write an import statement.")),
    # ----- hooks
    (r"(sys|threading)\.set(trace|profile)\w*|sys\.(addaudithook|meta_path|path_hooks"
     r"|path_importer_cache|set_asyncgen_hooks|set_coroutine_origin_tracking_depth|call_tracing"
     r"|setdlopenflags)|sys\.monitoring\.\w+",
     Blocked("SEC010", "error", _HOOKS, WITHOUT)),
    (r"signal\.(signal|alarm|setitimer|pthread_kill|raise_signal|siginterrupt)",
     Blocked("SEC010", "warning", _HOOKS, TIMEOUT)),
    (r"os\.(killp?g?|abort|_exit|chroot|setuid|setgid|seteuid|setegid|setreuid|setgroups|setsid"
     r"|initgroups|dup2|ptrace|nice|register_at_fork|putenv|unshare|setns|login_tty)",
     Blocked("SEC010", "warning", "acts on the whole process, which is the platform's.", WITHOUT)),
    (r"sys\.modules\.(values|items|copy|update|popitem|__setitem__|__delitem__|__iter__)",
     Blocked("SEC004", "warning", "reaches modules under names that the text does not tell.",
             DIRECT)),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), blocked) for pattern, blocked in _CALLS)
_MODULES = dict(_IMPORTS)

LOOP_METHODS = frozenset({"subprocess_exec", "subprocess_shell"})
"""Methods of an event loop that start processes."""
EXTENSION_METHODS = frozenset({"enable_load_extension", "load_extension"})
"""Methods of SQLite connections that load native code."""

INTERNALS = frozenset(
    {
        "__subclasses__", "__globals__", "__builtins__", "__code__", "__closure__", "__loader__",
        "__reduce__", "__reduce_ex__", "__import__", "f_globals", "f_builtins", "f_locals",
        "f_back", "f_code", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code",
        "tb_frame", "tb_next", "co_code", "co_consts", "func_globals", "func_code", "_getframe",
    }
)  # fmt: skip
"""Attributes by which code walks from any object to all of Python."""
ODD = frozenset(
    {"__base__", "__bases__", "__mro__", "mro", "__getattribute__", "__self__", "__spec__",
     "__defaults__", "__kwdefaults__", "__setattr__", "__delattr__", "__init_subclass__",
     "__setstate__"}
)  # fmt: skip
"""Attributes that have honest uses, and are steps of such walks."""
HANDED = frozenset({"os", "sys", "builtins", "importlib", "sys.modules", "importlib.import_module"})
"""What must not be handed to code that cannot be followed."""
WORDS = frozenset(
    {
        "system", "popen", "execv", "execve", "execvp", "execl", "spawnv", "spawnl", "posix_spawn",
        "eval", "exec", "setattr", "delattr", "subprocess", "ctypes", "socket", "multiprocessing",
        "builtins", "fork", *INTERNALS,
    }
)  # fmt: skip
"""Names that nobody puts together from pieces without a reason."""


@lru_cache(maxsize=4096)
def blocked_call(name: str) -> Blocked | None:
    """What is wrong with using `name`, a full name; None where it is fine."""
    return next((found for pattern, found in _COMPILED if pattern.fullmatch(name)), None)


def blocked_module(name: str) -> Blocked | None:
    """What is wrong with importing a module; that of its longest known beginning."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        found = _MODULES.get(".".join(parts[:length]))
        if found is not None:
            return found
    return None

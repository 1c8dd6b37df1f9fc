# Mixpeek Lab. `make` alone lists what there is.

PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) .ci/setup.py

# Where it is set, every process compiles all that it imports anew: kernels, workers, tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lab fresh sidebar check bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with everything in it (PYTHON=python3.12 chooses the interpreter)
	@$(SETUP)

demo: setup ## the main job without a notebook: extractor, run, retriever, three queries
	$(BIN)/mixpeek-lab demo

lab: setup ## JupyterLab on your copy of the first tutorial, in tutorials/, which git ignores
	@$(BIN)/python .ci/tutorials.py
	@echo "The first page is 01_quickstart.ipynb: open it there, where the browser does not open it by itself."
	$(BIN)/jupyter-lab $(if $(filter 0,$(shell id -u)),--allow-root) tutorials/01_quickstart.ipynb

fresh: ## the tutorials as they came; yours are kept in tutorials/earlier/
	@$(PYTHON) .ci/tutorials.py --fresh

sidebar: setup ## build the JupyterLab extension anew, after a change in labextension/ (needs Node.js)
	$(BIN)/python .ci/labextension.py build
	@$(SETUP)

check: setup ## formatting, lint, types and layers
	@$(MAKE) --no-print-directory -j 2 $(CHECKS)

# Each keeps one core busy: two at a time, the longest first.
CHECKS := check-types check-sidebar check-style
.PHONY: $(CHECKS) test-sidebar test-tools

check-types:
	$(BIN)/mypy

check-sidebar:
	$(BIN)/python .ci/labextension.py check

check-style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

test-sidebar: check-sidebar
	$(BIN)/python .ci/labextension.py test

test-tools:
	@$(SETUP) --browser

# Models come from the packages of set-up, never from a hub. The notebooks go first, so that the
# last lines are the summary of the tests. What starts no Ray runs in several processes, a file at a
# time; what starts Ray, or drives a browser, in two; what measures times, alone. The last two run a
# test once more where a busy machine was too slow (the summary names it).
test: export HF_HUB_OFFLINE := 1
test: ## check, then the notebooks and the tests (with Chromium, where it may be installed)
	@$(SETUP)
	@$(MAKE) --no-print-directory -j 2 check-types test-tools test-sidebar check-style
	@if ls notebooks/*.ipynb >/dev/null 2>&1; then set -x; \
	$(BIN)/python -m pytest --nbval notebooks --nbval-sanitize-with notebooks/sanitize.cfg \
	--nbval-cell-timeout=300 -n 2 --dist loadfile; fi
	$(BIN)/python -m pytest tests -m "not (ray or browser)" -n logical --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest tests -m "ray and not browser and not alone" -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/browser -m "browser and not alone" -n 2 --dist loadfile --reruns 1 -rR
	$(BIN)/python -m pytest tests -m alone --reruns 1 -rR

bench: export HF_HUB_OFFLINE := 1
bench: setup ## measures and timings on a folder in BEIR layout: make bench DATA=path
	@test -n "$(DATA)" || { echo "Name a folder in BEIR layout: make bench DATA=path" >&2; exit 2; }
	$(BIN)/mixpeek-lab bench "$(DATA)"

clean: ## remove .venv, caches and builds (.mixpeek_lab and tutorials, with your work, stay)
	rm -rf .venv labextension/node_modules labextension/lib build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

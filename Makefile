# Python 3.11 or newer and make are all it needs. `make` alone lists the targets.

PYTHON ?= python3
ARGS ?=
CLIENTS ?= 256
RATE ?= 50
ROUNDS ?= 10
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help up test check lint types contracts unit mutants chaos bench fmt schemas lock clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/.run ## Start everything with the demo organisation (options: make up ARGS="--help")
	@exec $(BIN)/helpdesk up --demo $(ARGS)

test: check ## Lint, types, import contracts and all tests
	$(BIN)/python -m pytest -p tests.support.no_skips -n $(WORKERS) --dist loadfile $(ARGS)

check: lint types contracts ## Everything but the tests

lint: $(VENV)/.dev ## Code style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.dev ## Who may import whom
	@$(BIN)/lint-imports --no-logo

unit: $(VENV)/.dev ## The fast tests alone: no server is started
	$(BIN)/python -m pytest tests/unit $(ARGS)

mutants: $(VENV)/.mutation ## Does a test notice each change of a rule? (hours; one module: make mutants ARGS=clocks)
	$(BIN)/python -m tests.mutation $(ARGS)

chaos: $(VENV)/.dev ## Kill everything at random, again and again (rounds: make chaos ROUNDS=50)
	HELPDESK_CHAOS_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests/chaos $(ARGS)

bench: $(VENV)/.dev ## Measure on this machine: the whole line, its bare floor, deadlines, tickers that are killed (12 minutes)
	$(BIN)/python -m benchmarks.line --clients $(CLIENTS) --seconds 30
	$(BIN)/python -m benchmarks.line --rate $(RATE) --seconds 30
	$(BIN)/python -m benchmarks.floor --clients $(CLIENTS) --seconds 30
	$(BIN)/python -m benchmarks.floor --rate $(RATE) --seconds 30
	$(BIN)/python -m benchmarks.deadlines
	$(BIN)/python -m benchmarks.ticker
	$(BIN)/python -m benchmarks.ticker --outage 5000

fmt: $(VENV)/.dev ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

schemas: $(VENV)/.dev ## Write the JSON Schemas of the events anew
	$(BIN)/python -m schemas.export

lock: $(VENV)/.lock ## Lock the dependencies anew, with hashes (newer versions: make lock ARGS=--upgrade)
	$(LOCK) $(ARGS) pyproject.toml --extra embedded --group build --output-file requirements/run.txt
	$(LOCK) $(ARGS) pyproject.toml --constraint requirements/run.txt --output-file requirements/server.txt
	$(LOCK) $(ARGS) pyproject.toml --extra embedded --group dev --constraint requirements/run.txt --output-file requirements/dev.txt
	$(LOCK) $(ARGS) --group build --constraint requirements/run.txt --output-file requirements/build.txt
	$(LOCK) $(ARGS) --group mutation --constraint requirements/dev.txt --output-file requirements/mutation.txt
	$(LOCK) $(ARGS) --group lock --output-file requirements/lock.txt

clean: ## Remove what was built or cached; the data in .helpdesk/ stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis mutants.jsonl
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "This needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
		echo "Name another one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# A stamp is newer than the lock it was installed from; nothing is installed again until the lock changes.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/run.txt locks (the first time takes a minute or two) ..."
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/dev.txt locks (the first time takes a minute or two) ..."
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

$(VENV)/.mutation: requirements/mutation.txt | $(VENV)/.dev
	@$(PIP) --require-hashes --requirement requirements/mutation.txt
	@touch $@

$(VENV)/.lock: requirements/lock.txt | $(BIN)/python
	@$(PIP) --require-hashes --requirement requirements/lock.txt
	@touch $@

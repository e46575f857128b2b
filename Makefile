# Everything from a fresh clone with only Python 3.11 or newer: `make demo`, `make test`.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
ARGS   ?=

PIP := $(BIN)/pip --disable-pip-version-check install --quiet --constraint .ci/constraints.txt
# What decides whether an installation is still the right one.
INPUTS := pyproject.toml .ci/constraints.txt web/build_hook.py web/package.json web/package-lock.json

.PHONY: demo test lint style types imports format messages constraints clean help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## install once, then run the demo: a server and simulated benches (ARGS="--help" for its options)
	$(BIN)/mes demo $(ARGS)

test: $(VENV)/.installed-test ## install once, then run all tests (ARGS="-k words" for some)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: style types imports ## style, types, and who may import whom (`make --keep-going lint` for all that is wrong)

style: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

imports: $(VENV)/.installed-test
	$(BIN)/lint-imports

format: $(VENV)/.installed-test ## put the source into the common form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

messages: $(VENV)/.installed-test ## bring new texts into the French catalogue, and compile it
	$(BIN)/python -m tests.catalogue

constraints: ## write the versions that a new installation gets today into .ci/constraints.txt
	rm -rf $(VENV)-fresh
	$(PYTHON) -m venv $(VENV)-fresh
	$(VENV)-fresh/bin/pip --disable-pip-version-check install --quiet '.[all,test]'
	$(VENV)-fresh/bin/pip freeze --exclude atelier-mes --exclude pip --exclude setuptools > .ci/constraints.txt
	rm -rf $(VENV)-fresh

clean: ## remove what was made: environment, caches, front-end packages, compiled catalogues
	rm -rf $(VENV) build dist web/static/vendor .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find mes stations web tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find mes -name '*.mo' -delete

# The virtual environment also when pip is missing in it: `python3 -m venv` fails half-way where ensurepip is not installed.
$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Atelier needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: $(INPUTS) | $(BIN)/pip
	$(PIP) --editable '.[all]'
	@touch $@

$(VENV)/.installed-test: $(INPUTS) | $(BIN)/pip
	$(PIP) --editable '.[all,test]'
	@touch $(VENV)/.installed $@

# Every target that a person may call carries a `##` comment; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# of `make test`: each has a Kafka and a PostgreSQL of its own, and half of the tests wait for something
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help env lock demo check lint types layers test long bench fmt schemas clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

env: $(READY)  ## build the environment in .venv

$(READY): requirements.lock pyproject.toml
	@echo "Building the environment in $(VENV) (once) …"
	$(PYTHON) -c 'import sys; sys.exit("Deskstream needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

lock: $(READY)  ## resolve the dependencies again and write requirements.lock (hashes, no registry address)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links --upgrade pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links --constraints requirements.lock pyproject.toml \
	  -o deploy/container/requirements.lock

demo: $(READY)  ## start everything, send the sample mails, show what became of them, stay up (ARGS=…)
	$(BIN)/deskstream up --demo $(ARGS)

check: $(READY) lint types layers test  ## run every check and test (what CI runs)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

test: $(READY)
	$(BIN)/python -m pytest -m "not long" --numprocesses $(WORKERS) $(ARGS)

long: $(READY)  ## the long runs: seeded, hours; ARGS=--stepwise goes on where one failed or was stopped
	$(BIN)/python -m pytest -m long $(ARGS)

bench: $(READY)  ## measure, print a table, write build/bench.json
	$(BIN)/python -m tests.bench $(ARGS)

fmt: $(READY)  ## format and mend what can be mended mechanically
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY)  ## write the JSON Schema snapshots of every topic again
	$(BIN)/python -m tests.contracts.write_schemas

clean:  ## remove what builds and runs leave behind
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

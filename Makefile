# `make help` lists what there is. On a bare Debian 12 with Python 3.11 and root, each target installs what it needs.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet
export PORT ?= 8000
# Most tests wait for peers: two at a time fit two cores. 0 runs them one after another.
TEST_PROCESSES ?= 2
# For each target of the fuzzers, two at a time.
FUZZ_SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help setup run test test-quick fuzz lint format types migrate lock docs docs-check screenshots k8s-render clean

##@ Use

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime.done ## run everything in one process with a simulated site; PORT=8000
	VONGGAC_PORT=$(PORT) VONGGAC_DATA_DIR=$${VONGGAC_DATA_DIR:-var} $(BIN)/vonggac demo

migrate: $(VENV)/runtime.done ## bring the database named by VONGGAC_DATABASE_URL to the newest revision
	$(BIN)/vonggac migrate

##@ Develop

setup: $(VENV)/dev.done $(VENV)/packages.done ## install all that development and tests need

test: setup ## run all tests, on real PostgreSQL, RabbitMQ, cameras' peers and a browser; TEST_PROCESSES=2
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile

test-quick: $(VENV)/dev.done ## run the tests that need no peer: seconds, not minutes
	$(BIN)/python -m pytest -q tests/unit

fuzz: $(VENV)/fuzz.done ## fuzz everything that reads a camera's bytes, guided by coverage; FUZZ_SECONDS=600 for each
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

lint: $(VENV)/dev.done types ## ruff, import walls, mypy, documents that are generated
	$(BIN)/ruff check services tests docs benchmarks
	$(BIN)/ruff format --check services tests docs benchmarks
	$(BIN)/lint-imports --no-logo
	$(MAKE) --no-print-directory docs-check

types: $(VENV)/dev.done ## mypy, strict
	$(BIN)/mypy

format: $(VENV)/dev.done ## let ruff format and mend what it can
	$(BIN)/ruff check --fix --quiet services tests docs benchmarks
	$(BIN)/ruff format --quiet services tests docs benchmarks

##@ Measure

# How each works and what came out: docs/performance.md. Results go to benchmarks/results; OPTIONS= for more, such as --help.

STREAMS ?= 60
SECONDS ?= 20
CAMERAS ?=
DEVICES ?=
MINUTES ?= 10
OPTIONS ?=

bench-watch: setup ## CPU of watching a stream, beside PyAV and ffmpeg; STREAMS=60 SECONDS=20 (18 minutes)
	@$(BIN)/python -m benchmarks.watch --streams $(STREAMS) --seconds $(SECONDS) $(OPTIONS)

bench-storm: setup ## 500 cameras that come up at once, a third of them dead; CAMERAS=500 (2 minutes)
	@$(BIN)/python -m benchmarks.storm $(if $(CAMERAS),--cameras $(CAMERAS)) $(OPTIONS)

bench-faults: setup ## from 200 faults to their events on the bus; CAMERAS=60 (8 minutes)
	@$(BIN)/python -m benchmarks.faults $(if $(CAMERAS),--cameras $(CAMERAS)) $(OPTIONS)

bench-soak: setup ## 2,000 cameras watched for long; CAMERAS=2000 MINUTES=10, OPTIONS=--disturb for false alarms
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(if $(CAMERAS),--cameras $(CAMERAS)) $(OPTIONS)

bench-sweep: setup ## a sweep of a /16 that finds 500 devices, and 300 that answer at once; as root (4 minutes)
	@$(BIN)/python -m benchmarks.sweep $(OPTIONS)

bench-devices: setup ## 10,000 ONVIF devices interrogated, onvif-zeep as shipped beside it at 100; DEVICES=10000 (4 minutes)
	@$(BIN)/python -m benchmarks.devices $(if $(DEVICES),--devices $(DEVICES)) $(OPTIONS)

##@ Make anew what is generated

docs: $(VENV)/dev.done ## documents made from code: configuration, messages, states, OpenAPI
	$(BIN)/python -m docs.render

docs-check: $(VENV)/dev.done ## fail if one of them is not current
	$(BIN)/python -m docs.render --check

screenshots: setup ## the pictures of the console in docs/images
	$(BIN)/python -m docs.take_screenshots

k8s-render: ## the rendered overlays in k8s/rendered (needs kubectl)
	k8s/render.sh

lock: $(VENV)/dev.done ## pin dependencies anew, by hash and without registry hosts
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --extra fuzz pyproject.toml -o requirements-fuzz.lock

clean: ## remove the environment and what runs left behind
	rm -rf $(VENV) var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# What the targets above stand on

$(VENV)/venv.done: deploy/setup/python.sh
	PYTHON=$(PYTHON) deploy/setup/python.sh $(VENV)
	touch $@

$(VENV)/runtime.done: $(VENV)/venv.done requirements.lock pyproject.toml
	$(PIP) install --require-hashes --no-build-isolation -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.done: $(VENV)/runtime.done requirements-dev.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements-dev.lock
	touch $@

$(VENV)/fuzz.done: $(VENV)/dev.done requirements-fuzz.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements-fuzz.lock
	touch $@

$(VENV)/packages.done: deploy/setup/packages.sh | $(VENV)/venv.done
	deploy/setup/packages.sh
	touch $@

# What can be done here: `make help`. Each target does its own set-up; nothing but Python 3.11+ and make is needed.
# A fresh machine picks its interpreter by itself; to choose another one: make PYTHON=python3.13 test

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
METADATA := setup.cfg pyproject.toml

# Type checkers do not follow setuptools' import hooks, so they get a folder where the packages lie as installed.
TYPING_PATH := .cache/typing/barewire
PACKAGES := wire schema rpc cli

# What Go's peers are found by: PATH first, then what `make peers` has put into the project.
export PATH := $(PATH):$(CURDIR)/.cache/bin

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

# ---- set-up: one stamp per extra, so that a second run costs nothing ----

$(VENV)/.made:
	@PYTHON='$(PYTHON)' .ci/make-venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made $(METADATA)
	@echo 'installing barewire (editable)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made $(METADATA)
	@echo 'installing barewire (editable) and what its tests need'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-lint: $(VENV)/.made $(METADATA)
	@echo 'installing linters and the type checker'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,test,lint]'
	@touch $@ $(VENV)/.installed-test $(VENV)/.installed

$(BENCH_VENV)/.installed: benchmarks/requirements.txt $(METADATA)
	@PYTHON='$(PYTHON)' .ci/make-venv $(BENCH_VENV)
	@echo 'installing the peers that the benchmarks compare'
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt --editable .
	@touch $@

$(TYPING_PATH): Makefile
	@mkdir -p $@
	@for package in $(PACKAGES); do ln -sfn ../../../$$package $@/$$package; done
	@touch $@

.PHONY: peers
peers: ## get the peers in other languages, where these are there (with CI=true: get what is missing)
	@.ci/get-peers .cache/bin
	@.ci/get-node-peer .cache/peers
	@.ci/get-cpp-peer .cache/peers
	@.ci/get-proxies .cache
	@.ci/get-browser

# ---- what people run ----

.PHONY: demo
demo: $(VENV)/.installed ## run the bookstore: four calls, and the bytes of every message explained
	@$(BIN)/python examples/bookstore/demo.py

.PHONY: test
test: $(VENV)/.installed-test ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m 'not slow'

.PHONY: check
check: lint types rules coverage conformance slow wheel-check ## all that CI runs: lint, format, types, every test, coverage, the real peers, the official suites, the wheel

.PHONY: lint
lint: $(VENV)/.installed-lint ## look for lint, and for files that are not formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(VENV)/.installed-lint ## format the files, and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.installed-lint $(TYPING_PATH) ## check types: strictly in the packages and examples, plainly in tests and benchmarks
	$(BIN)/basedpyright
	$(BIN)/basedpyright --project tests/pyrightconfig.json

.PHONY: coverage
coverage: $(VENV)/.installed-test peers ## run all but the slow tests, and print the coverage of wire/, schema/ and rpc/
	$(BIN)/python -m pytest -m 'not slow' --durations=5 --cov --cov-report=term:skip-covered

# Without coverage: tracing makes the long Hypothesis runs several times longer.
.PHONY: slow
slow: $(VENV)/.installed-lint peers ## run the slow tests
	$(BIN)/python -m pytest -m slow --timeout 1200 --durations=5

.PHONY: interop
interop: $(VENV)/.installed-test peers ## talk to the real peers only, and print the matrix of the official interop cases
	$(BIN)/python -m pytest tests/interop -rs -p tests.interop.official.matrix --matrix docs/reference/interop.md

.PHONY: rules
rules: $(VENV)/.installed-test ## list every rule of gRPC over HTTP/2 with the tests that cover it; fail if one has none
	@$(BIN)/python -m tests.rules

.PHONY: soak
soak: $(VENV)/.installed-test ## ten minutes of 200 callers that begin, send and give up at random; then the books of both sides
	$(BIN)/python -m tests.soak --minutes 10

.PHONY: conformance
conformance: $(VENV)/.installed ## run the official protobuf conformance suites: every test, recommended ones too
	@tests/conformance/run

.PHONY: protoc-parity
protoc-parity: $(VENV)/.installed-test ## compile real files and small cases with protoc and with barewire, and count the equal ones
	@$(BIN)/python -m tests.parity.run

.PHONY: bench
bench: $(BENCH_VENV)/.installed ## compare with the peers: codec, compiler, then servers and clients (about ten minutes)
	$(BENCH_VENV)/bin/python benchmarks/run_codec.py
	$(BENCH_VENV)/bin/python benchmarks/run_compile.py
	$(BENCH_VENV)/bin/python benchmarks/run_rpc.py

.PHONY: wheel-check
wheel-check: $(VENV)/.installed-lint ## build sdist and wheel, install the wheel in an empty environment, use it from outside
	$(BIN)/python tests/packaging/check_wheel.py

.PHONY: clean
clean: ## remove all that was made: environments, caches, builds
	rm -rf $(VENV) $(BENCH_VENV) .cache build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

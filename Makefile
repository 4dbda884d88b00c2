# Everything runs in virtual environments in this folder; Python 3.11 or newer, make and a package index suffice.
# They are created by uv if it is on PATH, and by pip otherwise.
PYTHON ?= python3
PYTHON_313 ?= $(shell uv python find --system 3.13 2>/dev/null || ls $$HOME/.pyenv/versions/3.13*/bin/python 2>/dev/null | tail -1)
AIRFLOW_2 := 2.11.2
AIRFLOW_3 := 3.3.2
AIRFLOW_NEXT := 3.4.0b2
VENV := .venv
VENV_2 := .venv-airflow2
VENV_313 := .venv-python313
VENV_LOWEST := .venv-lowest
VENV_NEXT := .venv-airflow-next
VENV_SDK := .venv-sdk
VENV_DOCS := .venv-docs
SDK := ringcentral_engage_voice==0.3.2 ringcentral==0.9.2
PORT ?= 8090
# How long loads and seasons are simulated.
SECONDS ?= 60
INPUTS := pyproject.toml tests/requirements.txt
# Tests that depend on Airflow; the others are the same with every version of it.
ON_AIRFLOW := tests/airflow tests/unit/sensors $(wildcard tests/unit/test_*.py)

ifneq ($(shell uv --version 2>/dev/null),)
venv = uv venv --quiet --seed --allow-existing --python $(or $(2),$(PYTHON)) $(1)
install = uv pip install --quiet --python $(1)/bin/python
else
venv = $(or $(2),$(PYTHON)) -m venv $(1)
install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
endif
# Not empty: make test tries a fifth of the generated cases.
QUICK := 1
# Two workers more than there are processors: two mostly wait for a real Airflow.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
pytest = $(1)/bin/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# uv trusts the authorities of the system, as pip does; older releases know the second name.
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
# As pip does; else each worker of the tests compiles all of Airflow.
export UV_COMPILE_BYTECODE := 1
# Many images set this; without bytecode, each worker would compile all tests, and rewrite their assertions.
export PYTHONDONTWRITEBYTECODE :=
export ENGAGEVOICE_SDK_PYTHON := $(CURDIR)/$(VENV_SDK)/bin/python

.PHONY: help demo demo-leads demo-season test test-slow test-all test-again test-airflow2 test-python313 test-lowest test-next \
	matrix services simulate faults fleet lint lint-fast hooks pictures docs bench sandbox clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 18

demo: $(VENV)/ready ## run the example rollout in a real Airflow against the sandbox
	@$(VENV)/bin/python -m tests.demo

demo-leads: $(VENV)/ready ## run the examples that load leads in a real Airflow: lists of each kind, and from a table to call results
	@$(VENV)/bin/python -m tests.demo_leads

demo-season: $(VENV)/ready ## roll out a season of 60 campaigns, with a kill and a drift, and one that people approve, in a real Airflow
	@$(VENV)/bin/python -m tests.demo_season

test: $(VENV)/ready ## run the fast tests, in a few minutes
	@ENGAGEVOICE_QUICK=$(QUICK) $(call pytest,$(VENV)) -m "not slow"

test-slow: $(VENV)/all-ready $(VENV_SDK)/ready ## run the tests that make test omits; see also services
	@$(call pytest,$(VENV)) -m slow

test-all: $(VENV)/all-ready $(VENV_SDK)/ready ## run the whole suite on Airflow $(AIRFLOW_3); see also services
	@$(call pytest,$(VENV))

test-again: ## run the tests that failed last again, one at a time
	@$(VENV)/bin/python -m pytest -q --last-failed --last-failed-no-failures none

test-airflow2: $(VENV_2)/ready ## run the tests that depend on Airflow on Airflow $(AIRFLOW_2)
	@$(call pytest,$(VENV_2)) $(ON_AIRFLOW) $(ARGS)

test-python313: $(VENV_313)/ready ## run the unit tests on Python 3.13
	@$(call pytest,$(VENV_313)) tests/unit tests/integration/client/test_trust.py

test-lowest: $(VENV_LOWEST)/ready ## run the unit tests with the lowest versions that pyproject.toml allows
	@$(call pytest,$(VENV_LOWEST)) tests/unit

test-next: $(VENV_NEXT)/ready ## run the unit tests on Airflow $(AIRFLOW_NEXT)
	@$(call pytest,$(VENV_NEXT)) tests/unit

matrix: test-python313 test-lowest test-airflow2 ## test other versions of Python, Airflow and the dependencies
	@$(MAKE) --no-print-directory test-next || echo "Airflow $(AIRFLOW_NEXT): failed; this does not fail the target"

services: $(VENV)/all-ready ## install the programs for faults, fleet and some tests: Redis, PostgreSQL, Chromium
	@$(VENV)/bin/python -m tests.support.services --install

simulate: $(VENV)/ready ## simulate every server that the vendor's documents allow, for five minutes, from a new seed
	@failed=0; seed=$$(date +%s); for one in \
		"tests.simulation --seconds 120 --workers $$(nproc)" \
		"tests.simulation.leads --seconds $(SECONDS) --workers $$(nproc)" \
		"tests.simulation.seasons --seconds $(SECONDS) --workers $$(nproc)" \
		"tests.simulation.days --histories $$((5 * $(SECONDS) / 2))"; do \
		echo "python -m $$one --seed $$seed"; $(VENV)/bin/python -m $$one --seed $$seed || failed=1; \
	done; exit $$failed

faults: services ## kill, fault and fuzz tests at full size, on every bundle of dialects; print the results
	@$(VENV)/bin/python -m tests.faults

fleet: services $(VENV_SDK)/ready ## create 500 campaigns on Celery workers, with the provider and with the vendor's SDK
	$(VENV)/bin/python -m tests.benchmarks.fleet

lint: lint-fast ## check style, types, layers, import cycles and the contents of the wheel
	$(VENV)/bin/python -m pytest -q tests/unit/test_imports.py
	$(VENV)/bin/python -m tests.wheel

lint-fast: $(VENV)/lint-ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

hooks: $(VENV)/lint-ready ## run the fast part of make lint before each commit
	@printf '#!/bin/sh\nexec make --no-print-directory lint-fast\n' > "$$(git rev-parse --git-path hooks)/pre-commit"
	@chmod +x "$$(git rev-parse --git-path hooks)/pre-commit"

pictures: services ## take the pictures of the documentation in a real Airflow and a headless Chromium
	$(VENV)/bin/python -m tests.pictures

docs: $(VENV_DOCS)/ready ## build the documentation site into build/docs
	$(VENV_DOCS)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs

bench: $(VENV)/bench-ready $(VENV_SDK)/ready ## run the benchmarks, and print their tables
	@failed=0; for one in requests import_time construct overhead reading loading drained waits; do \
		$(VENV)/bin/python -m tests.benchmarks.$$one || failed=1; \
	done; exit $$failed

sandbox: $(VENV)/ready ## start a local Engage Voice server on port $(PORT)
	$(VENV)/bin/python -m airflow_provider_engagevoice.sandbox --port $(PORT)

clean: ## remove environments, caches and build results
	rm -rf $(VENV) $(VENV_2) $(VENV_313) $(VENV_LOWEST) $(VENV_NEXT) $(VENV_SDK) $(VENV_DOCS) build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/ready: $(INPUTS) constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing Airflow $(AIRFLOW_3) and what the tests need into $(VENV)"
	@$(call venv,$(VENV))
	@$(call install,$(VENV)) -c constraints.txt apache-airflow==$(AIRFLOW_3) -r tests/requirements.txt -e '.[sandbox]'
	@touch $@

$(VENV)/all-ready: $(VENV)/ready tests/requirements-services.txt tests/benchmarks/fleet/requirements.txt
	@$(call install,$(VENV)) -c constraints.txt apache-airflow==$(AIRFLOW_3) \
		-r tests/requirements-services.txt -r tests/benchmarks/fleet/requirements.txt -e '.[redis]'
	@touch $@

$(VENV)/lint-ready: $(VENV)/ready tests/requirements-lint.txt
	@$(call install,$(VENV)) -c constraints.txt -r tests/requirements-lint.txt -e '.[sandbox,redis]'
	@touch $@

$(VENV)/bench-ready: $(VENV)/all-ready tests/benchmarks/requirements.txt
	@$(call install,$(VENV)) -c constraints.txt -r tests/benchmarks/requirements.txt
	@touch $@

$(VENV_2)/ready: $(INPUTS) tests/requirements-services.txt tests/constraints-airflow2.txt
	@echo "Installing Airflow $(AIRFLOW_2) into $(VENV_2)"
	@$(call venv,$(VENV_2))
	@$(call install,$(VENV_2)) -c tests/constraints-airflow2.txt apache-airflow==$(AIRFLOW_2) \
		-r tests/requirements.txt -r tests/requirements-services.txt -e '.[sandbox,redis]'
	@touch $@

$(VENV_313)/ready: $(INPUTS) constraints.txt
	@test -n "$(PYTHON_313)" || { echo "no Python 3.13 was found: make PYTHON_313=... $@"; exit 1; }
	@$(call venv,$(VENV_313),$(PYTHON_313))
	@$(call install,$(VENV_313)) -c constraints.txt apache-airflow==$(AIRFLOW_3) -r tests/requirements.txt -e '.[sandbox]'
	@touch $@

# Lowest versions of the package's own dependencies, with uv only; current versions of the test tools.
$(VENV_LOWEST)/ready: $(INPUTS)
	@$(call venv,$(VENV_LOWEST))
	@$(VENV_LOWEST)/bin/python -m pip install --quiet uv
	@$(VENV_LOWEST)/bin/uv pip install --quiet --python $(VENV_LOWEST)/bin/python --resolution lowest-direct \
		-e '.[sandbox,redis,parquet,excel]'
	@$(call install,$(VENV_LOWEST)) -r tests/requirements.txt
	@touch $@

$(VENV_NEXT)/ready: $(INPUTS)
	@$(call venv,$(VENV_NEXT))
	@$(call install,$(VENV_NEXT)) apache-airflow==$(AIRFLOW_NEXT) -r tests/requirements.txt -e '.[sandbox]'
	@touch $@

$(VENV_DOCS)/ready: docs/requirements.txt constraints.txt
	@$(call venv,$(VENV_DOCS))
	@$(call install,$(VENV_DOCS)) -c constraints.txt -r docs/requirements.txt
	@touch $@

$(VENV_SDK)/ready: Makefile
	@$(call venv,$(VENV_SDK))
	@$(call install,$(VENV_SDK)) $(SDK)
	@touch $@

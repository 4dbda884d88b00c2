# Everything runs in virtual environments of this folder; Python 3.11 or newer, make and a package index suffice.
PYTHON ?= python3
AIRFLOW_2 := 2.11.2
AIRFLOW_3 := 3.3.2
VENV := .venv
VENV_2 := .venv-airflow2
VENV_SDK := .venv-sdk
SDK := ringcentral_engage_voice==0.3.2 ringcentral==0.9.2
PORT ?= 8090
INPUTS := pyproject.toml tests/requirements.txt tests/benchmarks/fleet/requirements.txt

export ENGAGEVOICE_SDK_PYTHON := $(CURDIR)/$(VENV_SDK)/bin/python

.PHONY: help demo demo-leads test test-airflow2 matrix services faults fleet lint bench sandbox clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 18

demo: $(VENV)/ready ## run the example rollout in a real Airflow against a local Engage Voice
	@$(VENV)/bin/python -m tests.demo

demo-leads: $(VENV)/ready ## run the example that loads leads in a real Airflow, from the customers' table to the results
	@$(VENV)/bin/python -m tests.demo_leads

test: $(VENV)/ready $(VENV_SDK)/ready ## run the whole suite on Airflow $(AIRFLOW_3)
	$(VENV)/bin/python -m pytest -n auto

test-airflow2: $(VENV_2)/ready $(VENV_SDK)/ready ## run the suite on Airflow $(AIRFLOW_2), but for what knows no Airflow and takes long
	$(VENV_2)/bin/python -m pytest -n auto --ignore tests/sharing --ignore tests/faults

matrix: test-airflow2 test ## run the suite on both

services: $(VENV)/ready ## install the programs that faults, fleet and some tests use: Redis, PostgreSQL, Chromium
	$(VENV)/bin/python -m tests.support.services --install

faults: $(VENV)/ready services ## kill, break and fuzz it at full size, and print what became of it
	$(VENV)/bin/python -m tests.faults.budget_use
	$(VENV)/bin/python -m tests.faults.kill --runs 200
	$(VENV)/bin/python -m tests.faults.matrix
	$(VENV)/bin/python -m tests.faults.load_budget
	$(VENV)/bin/python -m tests.faults.load_kill
	$(VENV)/bin/python -m tests.faults.load_kill --method file --kills 30
	$(VENV)/bin/python -m tests.faults.load_faults
	$(VENV)/bin/python -m tests.faults.load_faults --method file
	ENGAGEVOICE_FULL=1 $(VENV)/bin/python -m pytest tests/airflow/test_bad_files.py
	$(VENV)/bin/python -m pytest tests/faults --full -k fuzz -n auto
	$(VENV)/bin/python -m tests.faults.triggerer_kill

fleet: $(VENV)/ready $(VENV_SDK)/ready services ## 500 campaigns on Celery workers, and the same with the vendor's SDK
	$(VENV)/bin/python -m tests.benchmarks.fleet

lint: $(VENV)/ready ## style, types, floors, contents of the wheel
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m tests.wheel

bench: $(VENV)/bench-ready $(VENV_SDK)/ready ## measure, and print the table
	@failed=0; for one in import_time overhead loading drained waits; do \
		$(VENV)/bin/python -m tests.benchmarks.$$one || failed=1; \
	done; exit $$failed

sandbox: $(VENV)/ready ## start a local Engage Voice on port $(PORT)
	$(VENV)/bin/python -m airflow_provider_engagevoice.sandbox --port $(PORT)

clean: ## remove environments, caches and build results
	rm -rf $(VENV) $(VENV_2) $(VENV_SDK) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/ready: $(INPUTS) constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		apache-airflow==$(AIRFLOW_3) -r tests/requirements.txt \
		-r tests/benchmarks/fleet/requirements.txt -e '.[sandbox,redis]'
	@touch $@

$(VENV_2)/ready: $(INPUTS) tests/constraints-airflow2.txt
	$(PYTHON) -m venv $(VENV_2)
	$(VENV_2)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/constraints-airflow2.txt \
		apache-airflow==$(AIRFLOW_2) -r tests/requirements.txt -e '.[sandbox,redis]'
	@touch $@

$(VENV_SDK)/ready: Makefile
	$(PYTHON) -m venv $(VENV_SDK)
	$(VENV_SDK)/bin/python -m pip install --quiet --disable-pip-version-check $(SDK)
	@touch $@

$(VENV)/bench-ready: $(VENV)/ready tests/benchmarks/requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/benchmarks/requirements.txt
	@touch $@

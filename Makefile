# Everything a person or the CI does has a target here. `make help` lists them.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ON_SERVERS := tests/servers tests/demo tests/systems/ssh tests/systems/orchestrator tests/systems/efd tests/systems/registry tests/systems/sal/reading tests/systems/sal/commanding tests/systems/sal/scripts tests/cli tests/e2e tests/ui/test_terminal.py tests/ui/test_run_terminal.py
# Whole runs by keys are mostly waiting: three files side by side. Three whole runbooks at once, and the nights of each
# kind of record, take all there is: alone.
NIGHTS := tests/e2e_run/test_runbooks.py tests/e2e_run/test_each_kind_of_record.py
BY_KEYS := -n 3 --dist loadfile $(addprefix --ignore ,$(NIGHTS)) tests/e2e_run
PYTEST := $(BIN)/python -m pytest
# Real seconds of servers and terminals count in the tests: what fails is run again, alone and in a process of its own, so
# that its servers and worlds are new. It counts as failed when it has failed three times.
AGAIN = $(PYTEST) $(1) $(ARGS) -n 0 --last-failed --last-failed-no-failures none
TESTED = $(PYTEST) $(1) $(ARGS) || $(AGAIN) || $(AGAIN)
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test e2e soak check servers bench screenshots schemas clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/app ## set up, then watch the demo observatory (without a terminal: one snapshot as text)
	@$(BIN)/deploydash demo $(ARGS)

test: .venv/dev servers ## every test, on real servers, to whole runs by keys in a real terminal
	$(call TESTED,-n 3 --dist loadfile $(addprefix --ignore ,$(ON_SERVERS) tests/e2e_run))
	$(call TESTED,-n 3 --dist loadfile $(ON_SERVERS))
	$(call TESTED,$(BY_KEYS))
	$(call TESTED,$(NIGHTS))

e2e: .venv/dev servers ## whole runs alone: by keys in a real terminal, killed after each kind of record and resumed
	$(PYTEST) $(BY_KEYS) $(ARGS)
	$(PYTEST) $(NIGHTS) $(ARGS)

soak: .venv/dev servers ## whole runs killed after every record, on the whole Summit, under restarts of the broker
	$(BIN)/python -m tests.soak $(ARGS)

check: .venv/dev ## style, types and import borders
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: .venv/dev ## get the real servers that tests and benchmarks start (Debian and Maven packages)
	sh scripts/system-packages.sh
	$(BIN)/python -m tests.servers.provision

bench: .venv/dev servers ## measure; prints one table, writes build/bench.json
	$(BIN)/python -m bench $(ARGS)

screenshots: .venv/dev servers ## make screenshots/ anew from the app on the demo observatory
	$(BIN)/python -m tests.screenshots

schemas: .venv/dev ## write sites/*.schema.json anew from the models
	$(BIN)/python -m deploydash.wiring.schemas

clean: ## remove what make made (not the cached servers)
	rm -rf .venv build .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { sh scripts/system-packages.sh python; }
	$(or $(PYTHON),python3) -m venv .venv

.venv/app: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

.venv/dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ .venv/app

# `make` alone lists what there is to make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
RUNTIME := .venv/.installed
DEV := .venv/.installed-dev
AZURITE := tests/services/azurite
BROWSER := tests/services/browser
export OUTLAY_TEST_WORKERS ?= 3

.PHONY: help setup setup-dev up demo aws-standin test bench lock screenshots vendor clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "make %-11s %s\n", $$1, $$2}'

setup: $(RUNTIME) ## install Outlay into .venv; the command is then .venv/bin/outlay

setup-dev: $(DEV) $(AZURITE)/node_modules/.package-lock.json $(BROWSER)/node_modules/.unpacked ## the same with the tools and servers of the tests

up: $(RUNTIME) ## run site, API and worker with sample bills on http://127.0.0.1:8000; PORT=8001 takes another
	@env -u OUTLAY_LAKE -u OUTLAY_CATALOG -u OUTLAY_SPOOL -u DATABASE_URL OUTLAY_HOME="$(CURDIR)/demo-home" \
	  $(BIN)/outlay up --demo --port $(or $(PORT),8000)

demo: $(RUNTIME) ## write sample bills, connect them, bring them in, print what they cost
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo.sh

aws-standin: $(DEV) ## run a stand-in for AWS with a sample organisation on http://127.0.0.1:5005; PORT and MONTHS take others
	@$(BIN)/python -m tests.aws_standin --port $(or $(PORT),5005) --months $(or $(MONTHS),3)

test: setup-dev ## run every check and every test
	@scripts/check

bench: setup-dev ## run the benchmarks and write bench/results.md
	@$(BIN)/python -m bench

lock: .venv/.uv ## resolve the dependencies anew; UPGRADE=1 takes the newest versions
	@scripts/lock $(if $(UPGRADE),--upgrade)

screenshots: setup-dev ## write docs/screenshots from a site with sample bills
	@scripts/screenshots

vendor: $(DEV) ## fetch the site's third-party files in the versions of scripts/vendored
	@scripts/vendor

clean: ## remove all that make has made
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist \
	  $(AZURITE)/node_modules $(BROWSER)/node_modules scripts/vendored/node_modules demo-home demo-bills bench/data

# The stamps are files in .venv: removing .venv is all it takes to start again.
.venv/.uv: requirements-uv.lock scripts/create-venv
	@scripts/create-venv
	@touch $@

$(RUNTIME): .venv/.uv requirements.lock pyproject.toml scripts/install
	@scripts/install requirements.lock
	@touch $@

# The runtime's packages are in this lock too, in the same versions, so one set-up serves both.
$(DEV): .venv/.uv requirements-dev.lock pyproject.toml scripts/install
	@scripts/install requirements-dev.lock
	@touch $(RUNTIME) $@

$(AZURITE)/node_modules/.package-lock.json: $(AZURITE)/package-lock.json | $(DEV)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(AZURITE) ci --omit=dev --loglevel=error
	@touch $@

$(BROWSER)/node_modules/.unpacked: $(BROWSER)/package-lock.json $(BROWSER)/unpack.py | $(DEV)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(BROWSER) ci --omit=dev --loglevel=error
	@$(BIN)/python $(BROWSER)/unpack.py
	@touch $@

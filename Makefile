# Everything a newcomer needs: `make run`, `make demo`, `make test`. Each does its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLES ?= examples/prometheus-x
# Python and npm packages come at the same time: each waits mostly for the network.
SETUP := $(MAKE) --silent --no-print-directory --jobs=2 setup
CONTRACT_SOURCES := $(shell find contracts -name '*.sol') hardhat.config.js

export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: run demo test test-deep bench check format clean setup

run:
	@$(SETUP)
	@exec $(BIN)/ptx-ledger run

demo:
	@$(SETUP)
	@exec $(BIN)/ptx-ledger demo --samples $(SAMPLES)

test:
	@$(SETUP) $(VENV)/.dev
	@exec scripts/test.sh

test-deep:
	@$(SETUP) $(VENV)/.dev
	@exec scripts/test.sh deep

bench:
	@$(SETUP) $(VENV)/.dev
	@exec $(BIN)/python scripts/bench.py

check:
	@$(SETUP) $(VENV)/.dev
	@exec scripts/check.sh

format: $(VENV)/.dev node_modules/.installed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet . && npm run --silent format:solidity && npm run --silent format:web

setup: protocol/artifacts/.built web/static/build/.built $(VENV)/.run

$(VENV)/.run: requirements.lock pyproject.toml
	@echo "installing Python packages"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@scripts/install.sh $(BIN)/python requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing test packages"
	@scripts/install.sh $(BIN)/python requirements-dev.lock
	@touch $@

node_modules/.installed: package-lock.json
	@echo "installing npm packages"
	@npm ci --silent --no-audit --no-fund
	@touch $@

protocol/artifacts/.built: node_modules/.installed $(CONTRACT_SOURCES) scripts/export_artifacts.py
	@echo "compiling the contracts"
	@hardhat build --no-tests --quiet && $(PYTHON) scripts/export_artifacts.py
	@touch $@

web/static/build/.built: node_modules/.installed scripts/build_web.mjs $(shell find web -path web/static/build -prune -o -type f -print)
	@echo "bundling the pages"
	@npm run --silent build:web >/dev/null
	@touch $@

clean:
	rm -rf $(VENV) node_modules artifacts cache out protocol/artifacts web/static/build

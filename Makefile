# Each target is one line of meaning; `make help` lists them. Nothing here needs root.
PYTHON ?= python3
VENV := $(CURDIR)/.venv
PY := $(VENV)/bin/python
SHELL := /bin/sh
# The many processes that the suite and the launcher start share what Python compiled once.
unexport PYTHONDONTWRITEBYTECODE
# One worker more than cores: tests also wait, for a bank, a worker, a browser. Each begins with its share, in the order
# of tests/conftest.py; who is done takes over from another.
WORKERS ?= -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 5 --dist worksteal
STATES ?= $(CURDIR)/.states
.DEFAULT_GOAL := help
.PHONY: help run test coverage test-long pictures states demo lint types bench migrate sbom audit pins clean ready ready-dev

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ready ## set everything up and start web, worker and sandbox (Ctrl-C stops all)
	@exec "$(PY)" -m tools.launch

test: ready-dev ## the suite, with a browser, on embedded parts (on servers: what they can change)
	@exec "$(PY)" -m pytest $(WORKERS) $(ARGS)

coverage: ready-dev ## the suite, and which lines of the product it runs (a page a file in .coverage/html)
	@rm -rf .coverage && mkdir .coverage
	@exec "$(PY)" -m pytest $(WORKERS) --cov --cov-report=term --cov-report=html:.coverage/html $(ARGS)

test-long: ready-dev ## the suite with more examples and the slow checks
	@BIZCUIT_TEST_LONG=1 exec "$(PY)" -m pytest $(ARGS)

pictures: ready-dev ## every page in both languages, four sizes, light and dark, in screenshots/
	@BIZCUIT_SCREENSHOTS=screenshots exec "$(PY)" -m pytest -n 2 --dist loadfile tests/browser $(ARGS)

states: ready-dev ## every state that the tests of pages come by, looked at in a browser (axe, light and dark)
	@rm -rf "$(STATES)" && mkdir -p "$(STATES)"
	@BIZCUIT_KEEP_STATES="$(STATES)" "$(PY)" -m pytest $(WORKERS) tests/web
	@BIZCUIT_STATES="$(STATES)" exec "$(PY)" -m pytest -n 2 tests/browser/test_every_state.py

demo: ready ## the whole main job over HTTP on a fresh temporary database
	@exec "$(PY)" -m tools.demo

lint: ready-dev ## ruff over the code, djlint over the templates
	@exec "$(PY)" -m tools.lint style

types: ready-dev ## pyright over the code
	@exec "$(PY)" -m tools.lint types

bench: ready-dev ## the figures, each beside its floor; also in bench/results.json
	@exec "$(PY)" -m bench $(ARGS)

migrate: ready ## bring the database in BIZCUIT_HOME up to date
	@exec "$(PY)" -m flask --app app migrate

sbom: ready-dev ## the bill of materials (CycloneDX) in sbom.cdx.json
	@exec "$(PY)" -m tools.supply_chain sbom

audit: ready-dev ## look the pinned packages up in a public list of weaknesses; says what it could not look up
	@exec "$(PY)" -m tools.supply_chain audit $(ARGS)

pins: ready-dev ## write the pinned requirement files anew from the .in files
	@exec "$(PY)" -m tools.lock_requirements $(ARGS)

clean: ## remove .venv and caches (var/, the data, stays)
	rm -rf "$(VENV)" .coverage .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready:
	@exec "$(PYTHON)" tools/bootstrap_venv.py requirements.txt

ready-dev:
	@exec "$(PYTHON)" tools/bootstrap_venv.py requirements.txt requirements-dev.txt

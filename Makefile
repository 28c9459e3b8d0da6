# asset_hub. `make` prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
MEDIA ?=
HOST ?= 127.0.0.1
PORT ?= 8000
PART ?= all
ARGS ?=

.PHONY: help setup setup-tests demo dev look check format lint types imports fast test drill bench browser contracts web openapi migration build clean lock

help: ## Print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install everything the product needs into .venv and build the pages' assets
	@scripts/setup.sh run

setup-tests: ## The same, and what the tests need (browser, PostgreSQL, Elasticsearch node)
	@scripts/setup.sh tests

demo: setup ## Draw the demo collection (or MEDIA=folder), walk the whole path, then serve it
	@.venv/bin/asset-hub demo --host $(HOST) --port $(PORT) $(if $(MEDIA),--media "$(MEDIA)") $(ARGS)

dev: ## Serve with reload on the home ./var
	@.venv/bin/asset-hub init && .venv/bin/uvicorn --factory asset_hub.app:create_dev_app --reload --port $(PORT)

look: ## Screenshots of every page family into ./look
	@$(PY) -m asset_hub.web.look

check: format lint types imports fast ## What must pass before every commit that matters

format:
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --quiet --fix-only .

lint: ## ruff
	@.venv/bin/ruff format --check --quiet . && .venv/bin/ruff check .

types: ## mypy --strict
	@.venv/bin/mypy asset_hub ingest ledger search marketplace contracts tests

imports: ## The layers of the architecture
	@.venv/bin/lint-imports .importlinter

fast: ## Tests without browser, PostgreSQL and Elasticsearch
	@.venv/bin/pytest -q -n 2 -m "not browser and not elasticsearch and not postgresql and not network" $(ARGS)

test: setup-tests ## Set up and pass the whole suite
	@scripts/test.sh $(ARGS)

drill: ## The long forms of the tests (PART=kill|race|ledger|contracts|network|search|volume|all)
	@scripts/drill.sh $(PART)

bench: ## Every benchmark, ratios printed
	@for bench in bench/*.py; do echo "== $$bench"; $(PY) $$bench || exit 1; done

browser: ## Only the tests in a real browser
	@.venv/bin/pytest -q -m browser tests/browser $(ARGS)

contracts: ## Compile the contracts and write contracts/artifacts
	@cd contracts && npm ci --silent && node build.mjs

web: ## Build the pages' assets into asset_hub/web/static/dist
	@cd asset_hub/web/frontend && npm ci --silent && node build.mjs

openapi: ## Write docs/openapi.json: the JSON API as it is now
	@$(PY) -m tests.web.test_openapi --write

migration: ## Write a migration from the models: make migration NAME=what_changes
	@$(PY) -m asset_hub.migrations.make "$(NAME)"

lock: ## Pin every dependency with its digests (no registry address is written)
	@.cache/tools/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -q -o requirements.lock

build: web ## One wheel with all six packages
	@.cache/tools/bin/uv build --wheel --quiet && ls dist

clean: ## Remove what was built or installed here (never ./var)
	@rm -rf .venv .cache dist look node_modules contracts/node_modules asset_hub/web/frontend/node_modules asset_hub/web/static/dist

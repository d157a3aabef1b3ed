# What developers and CI run. Tools are fetched, pinned, into .stack/, which is not in version control.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
NODE ?= node
export PYTHON NODE

TOOLS := tests/stack/tools.sh
STACK := PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 .stack/venv-stack/bin/python -m stack
LINT := .stack/venv-sam/bin
WORKER := infra/edge-worker
# The edge Worker for those suites that have an edge: what it runs in, and its bundle.
IN_WORKERD = COUNTERSIGN_WORKERD="$$(cd $(WORKER) && $(NODE) -p "require('workerd').default")" \
  COUNTERSIGN_WORKER_BUNDLE="$(CURDIR)/$(WORKER)/node_modules/.bundle/worker.js"
NPM := PATH="$$(dirname "$$(command -v $(NODE))"):$$PATH" npm run --silent --prefix $(WORKER)
TEMPLATES := template.yaml tests/stack/attachments.yaml $(wildcard infra/attach/*.yaml)

.PHONY: help demo up down test lint unit worker suite matrix fmt size bench soak build bundle stack-tools lint-tools

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: build stack-tools ## deploys to an emulated AWS, sends it everything, and shows what becomes of it
	@$(STACK) demo

up: build stack-tools ## the same stack, left running, with curl lines to try
	@$(STACK) up

down: ## ends it
	@if [[ -f .stack/up.json ]]; then $(STACK) down; else echo "  Nothing is up."; fi

test: lint unit worker matrix suite ## all that CI runs

lint: lint-tools ## formatting, lints, templates, licences and advisories
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(LINT)/ruff format --check --no-cache --config tests/stack/ruff.toml tests/stack infra
	$(LINT)/ruff check --no-cache --config tests/stack/ruff.toml tests/stack infra
	$(LINT)/cfn-lint $(TEMPLATES)
	SAM_CLI_TELEMETRY=0 $(LINT)/sam validate --lint --region us-east-1 --template-file template.yaml
	@if ! command -v cargo-deny > /dev/null; then echo "cargo deny: not installed, licences and advisories not checked"; \
	elif ! compgen -G "$${CARGO_HOME:-$$HOME/.cargo}/advisory-db*/*" > /dev/null; then echo "cargo deny: no advisory database, advisories not checked"; \
	  cargo deny --offline check bans licenses sources; \
	else cargo deny --offline check; fi

unit: bundle ## Rust: unit, property and black-box tests, with the edge Worker in workerd
	@$(TOOLS) check cargo
	@export $(IN_WORKERD); if command -v cargo-nextest > /dev/null; then cargo nextest run --workspace --locked --no-fail-fast; else cargo test --workspace --locked --no-fail-fast; fi

worker: ## the edge Worker: types, lints, tests inside workerd and over sockets
	@$(TOOLS) packages $(WORKER)
	@$(NPM) check

suite: build stack-tools ## the whole stack, IAM enforced
	@$(TOOLS) check curl
	@$(STACK) suite

matrix: stack-tools ## key-sync killed at its calls, against the emulator's staging labels
	@$(TOOLS) check cargo
	@$(STACK) matrix

fmt: lint-tools ## formats Rust and Python
	cargo fmt --all
	$(LINT)/ruff format --no-cache --config tests/stack/ruff.toml tests/stack infra

size: ## builds the functions for release; checks size, glibc and what is linked
	@$(TOOLS) check cargo python3
	@$(TOOLS) venv venv-release tests/stack/requirements-release.txt
	@$(PYTHON) tests/stack/size.py

bench: ## the decision against the bare verification; the forwarder against a bare proxy; table against edge
	@$(TOOLS) check cargo
	cargo bench --locked -p countersign-tests

soak: bundle ## a hundred rotations under traffic, one at real lifetimes, key-sync killed at every call: an hour
	@$(TOOLS) check cargo
	export $(IN_WORKERD); cargo test --locked --workspace --test it under_traffic::soak -- --ignored --nocapture --test-threads 2
	COUNTERSIGN_CRASHES_EVERYWHERE=1 cargo test --locked --workspace --test it -- crash:: rotation_faults:: --nocapture --test-threads 1 | grep -v '^{'

# The whole workspace is selected so that cargo unifies features as it does for the tests, and compiles once.
build: bundle
	@$(TOOLS) check cargo
	@cargo build --locked --workspace --bin authorizer --bin forwarder --bin key-sync --bin edge-stand-in

# As `wrangler deploy` would upload it.
bundle:
	@$(TOOLS) packages $(WORKER)
	@$(NPM) build > /dev/null

stack-tools:
	@$(TOOLS) venv venv-stack tests/stack/requirements.txt
	@$(TOOLS) node

lint-tools:
	@$(TOOLS) check cargo
	@$(TOOLS) venv venv-sam tests/stack/requirements-lint.txt

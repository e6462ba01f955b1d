# The commands of the project; `make help` lists them.
#
# Build, lint and tests share one profile (release), one selection of packages (the workspace) and
# one target directory, so that RocksDB, 20 CPU-minutes of C++, compiles once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Outside the checkout, so that every checkout of a machine shares what was compiled.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/squorum/target
export SQUORUM_VENV ?= $(HOME)/.cache/squorum/venv
export SQUORUM_BINARY ?= $(CARGO_TARGET_DIR)/release/squorum
export PATH := $(HOME)/.cargo/bin:$(PATH)

SELECTION := --release --locked --workspace
PYTHON := $(SQUORUM_VENV)/bin/python
PYTHON_SOURCES := cluster-tests examples scripts scripts/follow-readme crates/aws/codegen $(wildcard crates/*/mutants/run crates/*/tests/mutants/run)
RUST_CLIENT := cluster-tests/clients/rust/Cargo.toml
# Arguments of `squorum serve` for `make run`, of `squorum bench` for `make bench`.
ARGS ?=
# How many nodes `make bench` measures.
NODES ?= 1
PYTEST_ARGS ?=

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 18

.PHONY: run
run: build ## build and serve one node on http://localhost:9324 (ARGS="--data-dir …")
	@exec $(SQUORUM_BINARY) serve $(ARGS)

.PHONY: cluster
cluster: build ## build and start three nodes in containers; installs and starts Docker if need be
	@scripts/start-docker-engine
	@scripts/build-image
	@scripts/start-cluster

.PHONY: cluster-down
cluster-down: ## stop the three nodes and remove their containers; their data stays
	@scripts/compose down

.PHONY: cluster-destroy
cluster-destroy: ## stop the three nodes and delete their data
	@scripts/compose down --volumes

.PHONY: build
build: ## install what the build needs and build the release binaries
	@scripts/install-build-tools
	cargo build $(SELECTION) --bins

.PHONY: test
test: ## run every test, long campaigns in their short form
	@scripts/install-build-tools
	@scripts/install-test-tools
	@scripts/install-clients
	cargo nextest run $(SELECTION)
	@scripts/simulate
	cargo build $(SELECTION) --bins
	$(PYTHON) -m pytest cluster-tests $(PYTEST_ARGS)

.PHONY: test-long
test-long: export SQUORUM_LONG := 1
test-long: ## run every test, every campaign at its full size (hours)
	@scripts/install-build-tools
	@scripts/install-test-tools
	@scripts/install-clients
	cargo nextest run $(SELECTION) --profile long
	@scripts/simulate
	$(PYTHON) crates/queue/tests/mutants/run
	$(PYTHON) crates/simulation/mutants/run
	cargo build $(SELECTION) --bins
	$(PYTHON) -m pytest cluster-tests $(PYTEST_ARGS)

.PHONY: test-clients
test-clients: build ## run every client of docs/clients.md against nodes, those of `make test` too
	@scripts/install-test-tools
	@scripts/install-clients --all
	$(PYTHON) -m pytest cluster-tests/tests/clients --squorum-every-client $(PYTEST_ARGS)

.PHONY: reliability
reliability: export SQUORUM_LONG := 1
reliability: export SQUORUM_REPORT_DIR := $(CURDIR)/docs/reliability
reliability: build ## run the rows of docs/reliability.md at full size, add the runs to it (an hour)
	@scripts/install-test-tools
	$(PYTHON) -m pytest cluster-tests --squorum-measured $(PYTEST_ARGS) || status=$$?; \
	$(MAKE) reliability-page; exit $${status:-0}

.PHONY: reliability-page
reliability-page: ## write docs/reliability.md from the runs kept in docs/reliability
	PYTHONPATH=cluster-tests $(PYTHON) -m squorum_tests.reliability

.PHONY: compare-servers
compare-servers: build ## the same calls to moto, ministack, LocalStack and a node (ARGS=--write keeps what differs)
	@scripts/install-test-tools
	@scripts/install-peer-servers
	PYTHONPATH=cluster-tests $(PYTHON) -m squorum_tests.differential $(ARGS)

.PHONY: compatibility-page
compatibility-page: ## write docs/sqs-compatibility.md from the code, the tests and the comparison
	PYTHONPATH=cluster-tests $(PYTHON) -m squorum_tests.compatibility

.PHONY: failover-picture
failover-picture: build ## draw docs/failover.svg: what `squorum bench` sees of a node's death
	@scripts/install-test-tools
	PYTHONPATH=cluster-tests $(PYTHON) -m squorum_tests.failover_picture docs/failover.svg

.PHONY: simulation
simulation: ## simulate clusters by seed (ARGS="--layer queues --seed 7 --trace" for one)
	@scripts/install-build-tools
	@scripts/simulate $(ARGS)

.PHONY: fuzz
fuzz: ## fuzz what reads requests, a minute a target (SQUORUM_LONG=1: half an hour)
	@scripts/install-build-tools
	@scripts/fuzz $(ARGS)

.PHONY: bench
bench: build ## measure send and pipeline, batch 1 and 10, on fresh nodes (NODES=3 ARGS="--size 100")
	@scripts/with-nodes $(NODES) squorum bench send pipeline --batch 1,10 $(ARGS)

.PHONY: verify
verify: ## check format, lints, dependencies and licences; changes no file
	@scripts/install-build-tools
	@scripts/install-verify-tools
	cargo fmt --all --check
	cargo fmt --manifest-path $(RUST_CLIENT) --check
	cargo clippy $(SELECTION) --all-targets -- -D warnings
	cargo deny --locked check bans licenses sources
	$(SQUORUM_VENV)/bin/ruff format --check $(PYTHON_SOURCES)
	$(SQUORUM_VENV)/bin/ruff check $(PYTHON_SOURCES)

.PHONY: fix
fix: ## write what `make verify` would complain about, as far as tools can
	@scripts/install-build-tools
	@scripts/install-verify-tools
	cargo clippy $(SELECTION) --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all
	cargo fmt --manifest-path $(RUST_CLIENT)
	$(SQUORUM_VENV)/bin/ruff check --fix $(PYTHON_SOURCES)
	$(SQUORUM_VENV)/bin/ruff format $(PYTHON_SOURCES)

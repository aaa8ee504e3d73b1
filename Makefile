# Verbs only. The logic lives in the Python package `glue`; `make help` lists the verbs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ENV ?= local
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
    "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { command -v "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
GLUE := $(BIN)/glue
CONFIRMED = $(if $(CONFIRM),--confirm $(CONFIRM))

.PHONY: help
help: ## Show the verbs and what ENV stands at
	@echo "make VERB [ENV=local|staging|prod]      ENV is now: $(ENV)"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}'

# --- what must be there before anything runs -------------------------------------------------

.PHONY: check-terraform
check-terraform:
	@command -v terraform >/dev/null || { echo "terraform is not installed: install Terraform 1.11 or newer and put it on PATH." >&2; exit 1; }

$(BIN)/.installed: requirements/uv.txt requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 was found: install Python 3.11 or newer, or call make with PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "making the virtual environment ($$($(PYTHON) --version))"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q glue lambdas
	@touch $@

.PHONY: venv
venv: $(BIN)/.installed ## Make or refresh the virtual environment (every verb does it by itself)

# --- the two commands ------------------------------------------------------------------------

.PHONY: demo
demo: venv check-terraform ## Bring up everything on this machine and send real work through it (SIZE=MB)
	@$(GLUE) demo $(if $(SIZE),--size $(SIZE))

.PHONY: test
test: venv check-terraform ## Run every test there is, with coverage
	@$(BIN)/python -m tests

# --- the local cloud -------------------------------------------------------------------------

.PHONY: up down
up: venv check-terraform ## Bring up the local cloud with the platform in it
	@$(GLUE) deploy up

down: ## Stop the local cloud; what it holds is kept for the next `make up`
	@test ! -x $(GLUE) || $(GLUE) local down

# --- plan and apply --------------------------------------------------------------------------

.PHONY: doctor bootstrap package plan apply destroy
doctor: venv ## Find what would make a plan or an apply of ENV fail
	@$(GLUE) doctor --env $(ENV)

bootstrap: venv check-terraform ## Once per account: state bucket and CI roles (CONFIRM=ENV, REPOSITORY=owner/name)
	@$(GLUE) deploy bootstrap --env $(ENV) $(CONFIRMED) $(if $(REPOSITORY),--repository $(REPOSITORY))

package: venv ## Build the Lambda packages (AWS and this machine)
	@$(GLUE) deploy package --env $(ENV)

plan: venv check-terraform ## Plan ENV, save the plan and say what it would change
	@$(GLUE) deploy plan --env $(ENV) || test $$? -eq 2  # 2 says that there are changes

apply: venv check-terraform ## Apply the saved plan of ENV (ALLOW="address …", CONFIRM=prod)
	@$(GLUE) deploy apply --env $(ENV) $(CONFIRMED) $(foreach address,$(ALLOW),--allow '$(address)')

destroy: venv check-terraform ## Destroy ENV (recordings and protected tables only when named: ERASE="name …")
	@$(GLUE) deploy destroy --env $(ENV) $(CONFIRMED) $(foreach name,$(ERASE) $(ERASE_RAW),--erase '$(name)')

# --- after apply -----------------------------------------------------------------------------

.PHONY: check drift rehearse
check: venv ## Ask the deployed ENV whether it is as it should be
	@$(GLUE) check $(ENV)

drift: venv check-terraform ## Find what was changed in ENV by hand, and what no state knows
	@$(GLUE) deploy drift --env $(ENV)

rehearse: venv check-terraform ## Play staging and prod through in two accounts of the local cloud
	@$(GLUE) rehearse

# --- quality ---------------------------------------------------------------------------------

.PHONY: test-containers lint format bench lock
test-containers: venv ## Run what only a container can prove (podman or Docker; skipped, with the reason, without)
	@$(BIN)/python -m tests.containers

lint: venv check-terraform ## Run every linter: ruff, mypy, import contracts, terraform fmt, checkov
	@$(BIN)/python -m tests.lint

format: venv check-terraform ## Format Python and Terraform
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet . && terraform fmt -recursive

bench: venv check-terraform ## Measure, beside a peer where there is one, and print the ratios
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

lock: ## Resolve the requirements files anew (needs a package index)
	@$(BIN)/python -m tests.lock

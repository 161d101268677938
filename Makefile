PYTHON ?= python3.11
BIN := .venv/bin
DATASET = $(shell sed -n 's/^dataset: *\([^ ]*\).*/\1/p' params.yaml)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup run test check docs lock

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

run: setup  ## harvest, normalise, compress, embed, decode, retrain, register, query
	$(BIN)/nn2vec harvest
	$(BIN)/dvc add --quiet datasets/$(DATASET)/shelf
	$(BIN)/dvc repro
	$(BIN)/nn2vec register
	$(BIN)/nn2vec report --dataset $(DATASET) --output datasets/$(DATASET)/report.html
	$(BIN)/nn2vec datasets list
	$(BIN)/dvc metrics show
	$(BIN)/nn2vec sql --dataset $(DATASET) "SELECT * FROM nearest('resnet18', 5)"

test: setup
	$(BIN)/pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup  ## the site, of README, docs/ and the docstrings -> work/site/
	$(BIN)/mkdocs build --strict

lock:  ## pin what is installed; packages of one platform carry its marker
	$(BIN)/pip freeze --exclude-editable --exclude pip --exclude setuptools \
	| sed -E "/^(nvidia|cuda|triton)/s/$$/; platform_system == 'Linux' and platform_machine == 'x86_64'/" \
	> requirements.lock

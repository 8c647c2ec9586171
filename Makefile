# Every target makes its own environment in .venv from requirements.lock, and adds of locks/ what it
# needs; `make` alone lists them.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
READY := $(VENV)/.ready
READY_TO_TEST := $(VENV)/.ready-to-test
READY_TO_RELEASE := $(VENV)/.ready-to-release
TEST_LOCKS := locks/trackers.lock locks/hub.lock locks/data.lock
RELEASE_LOCKS := locks/notebook.lock locks/docs.lock locks/release.lock
DOCS_VENV := .venv-docs
FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))

export TF_CPP_MIN_LOG_LEVEL ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
# Python keeps what it compiles also where the environment forbids it: many processes import the same.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo page test test-quick test-release lint format docs lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## train a small translator on drawn pictures (minutes, no GPU, no data to fetch)
	$(RUN) train.py --preset=demo --run_dir=runs/demo

page: $(READY) ## try the demo in a browser at http://localhost:8000; PORT=8001, WEB_RUNTIME=folder
	$(RUN) -m cyclegan_keras.commands.demo_page --port=$(PORT) $(if $(WEB_RUNTIME),--web_runtime="$(WEB_RUNTIME)")
	$(VENV)/bin/cyclegan-serve saved_models/demo/web --port=$(PORT)

test: $(READY_TO_TEST) ## run every test; ARGS="-k pool" runs some
	$(PYTEST) -m "not release" $(ARGS)

test-quick: $(READY_TO_TEST) ## run the quick tests that start no process and no browser
	$(PYTEST) -m "not release and not process and not slow" $(ARGS)

test-release: $(READY_TO_RELEASE) ## run what takes longer: wheel, notebook, docs, full sizes, more random examples
	$(PYTEST) -m release $(ARGS)
	THOROUGH=1 $(PYTEST) tests/weights tests/export/test_static_graph.py

lint: $(READY) ## check style, format, types and which package imports which
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

format: $(READY) ## correct style and format
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: $(DOCS_VENV)/.ready ## make the site of the documentation in site/; no link in it may be broken
	$(DOCS_VENV)/bin/python docs/make_site.py

# requirements.lock holds the project with the extras that all tests share. The locks of tools hold the
# tools alone, and no other version of a package than requirements.lock and the locks before them, so
# that one environment can hold all.
UPGRADE ?= --upgrade
LOCK_FOR := --quiet $(UPGRADE) --universal --python-version 3.10 --custom-compile-command "make lock"
lock: ## choose the newest versions that fit pyproject.toml anew; UPGRADE= keeps those that still fit
	$(CHECK_PYTHON)
	@"$(PYTHON)" -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip install --quiet uv tomli
	.venv-lock/bin/uv pip compile $(LOCK_FOR) --extra dev --extra eval --extra export --extra video \
		--extra beam --extra jax --extra heif --extra medical --extra web \
		pyproject.toml -o requirements.lock
	set -e; others="-c requirements.lock"; \
	for words in "trackers wandb mlflow" "hub hub" "data data" \
			"notebook notebook" "docs docs" "release release"; do \
		set -- $$words; lock=locks/$$1.lock; shift; \
		.venv-lock/bin/python locks/declared.py "$$@" >.venv-lock/tools.in; \
		.venv-lock/bin/uv pip compile $(LOCK_FOR) $$others .venv-lock/tools.in -o $$lock; \
		others="$$others -c $$lock"; \
	done
	@rm -rf .venv-lock

clean: ## remove the environment, caches and builds; runs/ and saved_models/ stay
	rm -rf $(VENV) $(DOCS_VENV) .venv-lock build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Says what is missing before anything fails half way.
define CHECK_PYTHON
@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is not found. Install Python 3.10 to 3.13," \
	"or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
@"$(PYTHON)" -c "$(FITS)" || { echo "$$("$(PYTHON)" --version 2>&1) does not fit: Python 3.10 to 3.13" \
	"is needed. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
@"$(PYTHON)" -c "import venv, ensurepip" 2>/dev/null || { echo "$(PYTHON) cannot make virtual" \
	"environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
endef

# Without .ready an environment is unfinished and made from nothing, so an interrupted install heals itself.
$(READY): requirements.lock pyproject.toml
	$(CHECK_PYTHON)
	@test -f $@ || { echo "Making $(VENV) (about 4 GB, TensorFlow above all)."; "$(PYTHON)" -m venv --clear $(VENV); }
	@rm -f $@
	$(RUN) -m pip install --quiet -r requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(READY_TO_TEST): $(READY) $(TEST_LOCKS)
	@echo "Adding trackers, the Hub's library and tools that look at data to $(VENV) (0.2 GB)."
	$(RUN) -m pip install --quiet -c requirements.lock $(addprefix -r ,$(TEST_LOCKS))
	@touch $@

$(READY_TO_RELEASE): $(READY_TO_TEST) $(RELEASE_LOCKS)
	@echo "Adding what runs notebooks, makes the documentation and builds packages to $(VENV) (0.3 GB)."
	$(RUN) -m pip install --quiet -c requirements.lock $(addprefix -r ,$(RELEASE_LOCKS))
	@touch $@

$(DOCS_VENV)/.ready: locks/docs.lock
	$(CHECK_PYTHON)
	@"$(PYTHON)" -m venv --clear $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet -r locks/docs.lock
	@touch $@

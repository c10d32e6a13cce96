# Everything a fresh machine needs: `make demo` installs and runs the demo, `make test` installs and tests.
PYTHON ?= python3
BIN := .venv/bin
# An index that holds torch for the CPU, which saves 4 GB: make TORCH_INDEX=ADDRESS demo
TORCH_INDEX ?=
PIP := $(BIN)/pip install --quiet --constraint envs/requirements.txt
DEMO := runs/demo
DEMO_MODEL := runs/demo/results/finetuning/demo/2/efficientnet_lite0/synthetic-multitask
BUILTIN := runs/builtin
BUILTIN_MODEL := $(BUILTIN)/results/finetuning/biq2021/official/efficientnet_lite0/pristine-multitask
UNSEEN := $(DEMO)/resources/sources/demo_unseen/flower/flower_00_00.png

.PHONY: install demo builtin test test-all lint pages bench docs clean clean-results

install: .venv/installed-demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))' || \
	  { echo "mosforge needs Python 3.11 (3.11.4 or later), 3.12 or 3.13; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed-%: .venv/bin/python pyproject.toml envs/requirements.txt
	@echo "Installing mosforge[$*] and what it needs into .venv (a few minutes the first time) ..."
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url "$(TORCH_INDEX)" torch torchvision)
	$(PIP) --editable '.[$*]'
	@touch $@

# The whole pipeline, small and offline; run again, it does nothing.
demo: .venv/installed-demo
	$(BIN)/snakemake --directory $(DEMO) -- all
	@for level in 1 3 5; do $(BIN)/mosforge distort $(UNSEEN) --type jpeg --level $$level \
	  -o $(DEMO)/results/demo/flower_jpeg_$$level.jpg || exit 1; done
	@echo; echo "Scores of an image and of its JPEGs at quality 43, 7 and 0:"
	@$(BIN)/mosforge score $(UNSEEN) $(DEMO)/results/demo/*.jpg --model $(DEMO_MODEL)
	@echo; echo "The page: $(DEMO)/results/report/index.html"

test: .venv/installed-test
	$(BIN)/python -m pytest

# The built-in model, made again and put into the package; docs/model.md says which data it needs.
builtin: .venv/installed-demo
	$(BIN)/snakemake --directory $(BUILTIN) --configfile runs/recommended.yaml -- builtin
	$(BIN)/mosforge export --model $(BUILTIN_MODEL) --format folder --half --notes $(BUILTIN)/notes.md \
	  --correlations $(BUILTIN)/results/evaluation/builtin.parquet --output src/mosforge/scoring/builtin

# With the tests that take many minutes, of which `make test` runs samples.
test-all: .venv/installed-test
	$(BIN)/python -m pytest -m ''

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# What is made from the code: the schema and comments of the configuration, and the pages of its keys and of the jobs.
pages: .venv/installed-demo
	$(BIN)/python docs/make_pages.py

bench: .venv/installed-test
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# The documentation as a site: open build/docs/index.html. A link that leads nowhere is an error.
docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site: build/docs/index.html; with its search: $(BIN)/python -m http.server --directory build/docs"

# What can be installed and compiled again; results, and what Snakemake knows of them, stay.
clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build src/*.egg-info
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# Everything that the workflow made in this folder and for the demo; runs of your own stay. What Snakemake knows of
# results goes with them: alone it would be missed, for results without it are never made again.
clean-results:
	rm -rf $(foreach folder,. $(DEMO),$(folder)/results $(folder)/logs $(folder)/.snakemake) $(DEMO)/resources

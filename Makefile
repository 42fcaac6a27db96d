# The two commands that a fresh clone needs; each sets up .venv by itself, once.
#   make demo   one photograph through a backbone and a compiled neck, all on one page of HTML
#   make test   lint, types and all tests
# And one that trains:
#   make demo-train    a detector from nothing on scenes of handwritten digits, in ten minutes; ARGS=--all: three necks
# For daily work and before a release:
#   make check         lint, types and the tests that are not marked slow, in some seven minutes on two cores
#   make test-lowest   all tests with the lowest versions that pyproject.toml allows, in .venv-lowest
#   make test-newest   all tests with the newest versions that pip finds, in .venv-newest
#   make test-oracles  the comparisons with necks of other libraries, in .venv-oracles, which reads .venv too
#   make test-hosts    necks in the detectors of other libraries, in .venv-oracles too
#   make constraints   constraints-dev.txt anew: what 'make test' installs, but for torch and what comes with it
#   make necks         the table of docs/necks.md anew, of the graphs and of what was measured
#   make docs          the documentation as a site, site/index.html
# Another Python: make PYTHON=python3.12 test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

PIP := -m pip install --quiet --disable-pip-version-check
ONCE = @echo 'Installing into $(@D), once; torch is large, so this takes minutes.'

.PHONY: demo demo-train test check lint test-lowest test-newest test-oracles test-hosts constraints format gallery necks docs clean

demo: $(VENV)/installed
	$(BIN)/python -m tools.demo

demo-train: $(VENV)/installed-dev
	$(BIN)/python -m tools.demo_train $(ARGS)

test: lint
	$(BIN)/python -m pytest -n 2

check: lint
	$(BIN)/python -m pytest -n 2 -m 'not slow'

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-lowest test-newest: test-%: .venv-%/installed-dev
	.venv-$*/bin/python -m pytest -n 2

test-oracles: .venv-oracles/installed
	.venv-oracles/bin/python -m pytest -n 2 tests/oracles

test-hosts: .venv-oracles/installed
	.venv-oracles/bin/python -m pytest -n 2 -m hosts tests/hosts

constraints: $(VENV)/installed-dev
	$(BIN)/python $(PIP) uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev \
		--no-emit-index-url --no-header --no-annotate --output-file $(VENV)/lock.txt pyproject.toml
	(echo "# Written by 'make constraints'. Not torch and what comes with it, which a machine may cap."; \
		grep -vE '^(torch|torchvision|triton|nvidia-.*|cuda-.*)==' $(VENV)/lock.txt) > constraints-dev.txt

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gallery: $(VENV)/installed-dev
	$(BIN)/python tools/gallery.py

necks: $(VENV)/installed-dev
	$(BIN)/python -m tools.necks_doc

# NO_MKDOCS_2_WARNING: an advertisement of the theme, for another program.
docs: $(VENV)/installed-docs
	$(BIN)/python -m tools.docs_site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo 'To read it: $(BIN)/python -m http.server -d site'

clean:
	rm -rf $(VENV) .venv-lowest .venv-newest .venv-oracles build dist demo site .mypy_cache .pytest_cache .ruff_cache .hypothesis

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	"$(PYTHON) is Python %d.%d, fpngraph needs 3.11 or newer: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $*

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(ONCE)
	$(BIN)/python $(PIP) --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints-dev.txt | $(VENV)/bin/python
	$(ONCE)
	$(BIN)/python $(PIP) --constraint constraints-dev.txt --editable '.[dev]'
	touch $(VENV)/installed $@

$(VENV)/installed-docs: pyproject.toml | $(VENV)/bin/python
	$(ONCE)
	$(BIN)/python $(PIP) --editable '.[docs]'
	touch $@

.venv-lowest/installed-dev: pyproject.toml tools/lowest.py | .venv-lowest/bin/python
	$(ONCE)
	$(@D)/bin/python tools/lowest.py > $(@D)/constraints.txt
	$(@D)/bin/python $(PIP) --constraint $(@D)/constraints.txt --editable '.[dev]'
	touch $@

.venv-newest/installed-dev: pyproject.toml | .venv-newest/bin/python
	$(ONCE)
	$(@D)/bin/python $(PIP) --upgrade --upgrade-strategy eager --editable '.[dev]'
	touch $@

# Of the Python of the first environment, whose packages it reads.
.venv-oracles/installed: pyproject.toml constraints-dev.txt tools/oracles.py $(VENV)/installed-dev
	@echo 'Installing into $(@D), once; this takes a minute.'
	$(BIN)/python -m venv --clear $(@D)
	$(@D)/bin/python tools/oracles.py $(VENV)
	touch $@

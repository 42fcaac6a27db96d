# The two commands that a fresh clone needs; each sets up .venv by itself, once.
#   make demo   one photograph through a backbone and a compiled neck
#   make test   lint, types and tests
# Another Python: make PYTHON=python3.12 test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test format gallery clean

demo: $(VENV)/installed
	$(BIN)/python tools/demo.py

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gallery: $(VENV)/installed-dev
	$(BIN)/python tools/gallery.py

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	"$(PYTHON) is Python %d.%d, fpngraph needs 3.11 or newer: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV), once; torch is large, so this takes minutes.'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV), with the tools of the tests, once; torch is large, so this takes minutes.'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(VENV)/installed $@

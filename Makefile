# The commands of this repository; `make help` lists them.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help app test check bench clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

app: $(VENV)/app.stamp ## install what the app needs into .venv and open it at http://127.0.0.1:8501
	$(RUN) streamlit run app.py

test: check ## check, then run every test (browser tests where there is a Chromium)
	$(RUN) pytest --ignore tests/browser --numprocesses auto --maxprocesses 4 --dist loadfile
	$(RUN) pytest tests/browser

check: $(VENV)/dev.stamp ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) mypy

bench: $(VENV)/bench.stamp ## measure maps, gates, excite, ablate and training; the last line of each is JSON
	$(RUN) benchmarks.maps
	$(RUN) benchmarks.gates
	$(RUN) benchmarks.excite
	$(RUN) benchmarks.ablate
	$(RUN) benchmarks.training

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("seviz needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

# one stamp a requirements file: pip runs again only when the file has changed
$(VENV)/app.stamp: requirements.txt | $(VENV)/bin/python
	$(RUN) pip install -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(RUN) pip install -r $<
	@touch $@ $(VENV)/app.stamp

$(VENV)/bench.stamp: requirements-bench.txt requirements.txt | $(VENV)/bin/python
	$(RUN) pip install -r $<
	@touch $@ $(VENV)/app.stamp

# Everyday commands; `make help` lists them. ARGS adds arguments, PYTHON chooses the interpreter.
PYTHON ?= python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test harden check format bench report wheel ci clean

help:  ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

install:  ## install everything for development
	$(PYTHON) -m pip install -r requirements-dev.txt -e .

demo:  ## run the web demo
	$(PYTHON) app.py $(ARGS)

test:  ## run the tests (ARGS=tests/runtime for some of them)
	$(PYTHON) -m pytest $(ARGS)

harden:  ## try every kind of bad input, and print the outcomes
	PYTHONPATH=.:tests $(PYTHON) -m hardening

check:  ## check formatting, lint and types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

format:  ## format the code and fix what can be fixed
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

bench:  ## measure all models (ARGS=--quick for a smoke test)
	$(PYTHON) -m bench $(ARGS)

report:  ## write the leaderboard from the committed results
	$(PYTHON) -m bench report

wheel:  ## build the sdist and the wheel into dist/
	$(PYTHON) -m hatchling build

ci:  ## run everything in a new environment, as the workflow does
	.ci/run

clean:  ## delete caches and build results
	rm -rf dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

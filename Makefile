# `make demo` and `make test` do their own set-up: they want Python 3.11 or newer, and a network the first time.

PYTEST = .venv/bin/pytest -q -n 2 --dist worksteal

.PHONY: demo test check lint bench lock clean setup-demo setup-dev

demo: setup-demo  ## play a small dataset through the whole service
	@.venv/bin/consent-ledger demo

test: setup-dev  ## run the tests
	@$(PYTEST) $(ARGS)

check: lint test  ## all that must hold before a change is merged

lint: setup-dev
	@.venv/bin/ruff check .
	@.venv/bin/mypy --strict
	@.venv/bin/lint-imports --no-logo

bench: setup-dev  ## measure, each number beside its yardstick
	@.venv/bin/python -m tests.bench $(ARGS)

lock:  ## pin the dependencies anew; ARGS=--upgrade moves the pins
	@sh deploy/lock.sh $(ARGS)

setup-demo:
	@sh deploy/setup.sh demo

setup-dev:
	@sh deploy/setup.sh dev

clean:  ## remove what can be made again
	rm -rf .venv .setup.log build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

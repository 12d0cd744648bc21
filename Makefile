# Every target works alone on a fresh clone: the environment is made on first use.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# The arrays of one body are small: more threads than cores only spin.
export OMP_NUM_THREADS ?= 2
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help env test slow check format demo bench eval checksums clean

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "skelvid needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch torchvision  # one call, so that the two match
	$(BIN)/pip install --quiet --editable '.[dev]'  # another, so that less lies on the disk at once
	touch $@

env: $(READY)  ## make the environment in .venv

test: $(READY)  ## run the tests, on every core
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist loadfile

slow: $(READY)  ## run the long tests too
	$(BIN)/pytest -q -m ''

check: $(READY)  ## format, lint, types, tests: what a change must pass
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist loadfile

format: $(READY)  ## rewrite the files in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(READY)  ## the open body as picture and 3D files, joint angles of a real video, in out/demo, and live
	$(BIN)/python demo/00_open_body.py
	$(BIN)/python demo/01_run_video.py
	$(BIN)/python demo/02_webcam.py

bench: $(READY)  ## every benchmark, ours beside the alternative
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

eval: $(READY)  ## joint angles of real videos beside their reference; needs SKELVID_DATA=DIR; writes docs/evaluation.md
	$(BIN)/python -m benchmarks.evaluate --plots out/eval/plots --write
	$(BIN)/python -m benchmarks.error_budget --write
	$(BIN)/python -m benchmarks.robustness --write

checksums: $(READY)  ## rewrite checkpoints/SHA256SUMS after a build
	$(BIN)/python -c 'from pathlib import Path; from skelvid.weights import write_checksums; write_checksums(Path("checkpoints"))'

clean:  ## remove the environment and everything generated
	rm -rf .venv build dist out .pytest_cache .ruff_cache .hypothesis

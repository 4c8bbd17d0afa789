# Everything is installed into .venv from the versions in constraints.txt, and only when those or
# pyproject.toml have changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help setup demo view test test-slicer fuzz lint format docs train head bench oracle screenshots clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make the virtual environment

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 12))' || \
	  { echo "Python 3.11 or 3.12 is needed; say which with make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[test,lint,docs,slicer,viewer]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --constraint constraints.txt ipyniivue
	@touch $@

demo: $(STAMP)  ## register the bundled brains with the bundled network
	$(BIN)/ttauncertainty demo --output demo-output

view: $(STAMP)  ## look at the demo's results in the browser
	@[ -f demo-output/reference/result.json ] || $(MAKE) demo
	$(BIN)/ttauncertainty view demo-output/*

test: $(STAMP)  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

test-slicer: $(STAMP)  ## run the panel's tests in a real Slicer (SLICER=/path/to/Slicer)
	$(BIN)/python Testing/support/desktop/start_slicer.py "$(SLICER)" $(TESTS)

fuzz: $(STAMP)  ## look for input that does more than it should, for minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --hypothesis-profile=fuzz Testing/fuzzing $(TESTS)

lint: $(STAMP)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## build the site: build/site/index.html
	$(BIN)/python docs/site/build.py

train: $(STAMP)  ## train the bundled network again (hours)
	$(BIN)/python -m pip install --quiet --no-deps --constraint constraints.txt nilearn
	$(BIN)/python -m TTAUncertaintyLib.training train $(TRAIN)

head: $(STAMP)  ## make the expected error again (PEOPLE=folder NETWORKS="name=weights ..."; hours)
	$(BIN)/python -m TTAUncertaintyLib.training head-cases build/head-cases --people $(PEOPLE) $(addprefix --network ,$(NETWORKS))
	$(BIN)/python -m TTAUncertaintyLib.training head build/head-cases

bench: $(STAMP)  ## measure speed and memory, as ratios in one run
	$(BIN)/python Testing/benchmarks/bench_engine.py $(BENCH)
	$(BIN)/python Testing/benchmarks/bench_desktop.py
	$(BIN)/python Testing/benchmarks/bench_first_map.py

oracle: $(STAMP)  ## compare a network with its publisher's code (NAME=unigradicon)
	$(BIN)/python Testing/oracles/run_oracle.py $(NAME) $(ARGS)

screenshots: $(STAMP)  ## take the pictures of the Slicer module and of the viewer anew
	$(BIN)/python Testing/screenshots/make_screenshots.py
	@[ -f demo-output/reference/result.json ] || $(MAKE) demo
	$(BIN)/python Testing/screenshots/make_viewer_screenshots.py

clean:  ## remove what the commands above have made
	rm -rf $(VENV) demo-output build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

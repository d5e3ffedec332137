# make serve | test | test-fast | lint | demo | setup | train | clean.  RUNTIME=gpu takes onnxruntime-gpu.

PYTHON  ?= python3
RUNTIME ?= cpu
PORT    ?= 3000
PRESET  ?= smoke
BUNDLE  ?= service/shipped/vehicles

BIN     := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt
PINS    := pyproject.toml .ci/constraints.txt
# Two thread pools that spin for each other's work cost half the speed.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: setup serve test test-fast demo train lint clean
.DELETE_ON_ERROR:

setup: .venv/service

.venv/service: $(PINS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) '.[$(RUNTIME)]'
	touch $@

# The plain spelling of torch's pin takes the CPU build where the package index offers one.
.venv/train: .venv/service
	$(INSTALL) torch==2.13.0
	$(INSTALL) '.[$(RUNTIME),train]'
	touch $@

.venv/dev: .venv/train
	$(INSTALL) '.[$(RUNTIME),train,dev]'
	touch $@

# The bundle is shipped; where it is missing, the smoke preset trains one.
$(BUNDLE)/manifest.json:
	$(MAKE) .venv/train
	$(BIN)/python -m train.cycle --preset smoke --run build/smoke
	mkdir -p $(BUNDLE)
	cp -r build/smoke/export/bundle/. $(BUNDLE)/

serve: .venv/service $(BUNDLE)/manifest.json
	INVERSE_GRAPHICS_BUNDLE=$(BUNDLE) $(BIN)/bentoml serve service.api:InverseGraphics --port $(PORT)

demo: .venv/service $(BUNDLE)/manifest.json
	$(BIN)/python -m service.demo --bundle $(BUNDLE) --out build/demo

train: .venv/train
	$(BIN)/python -m train.cycle --preset $(PRESET)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/type_errors.py

# One process per core, each with one thread; more than four would take memory and gain little.
TEST := $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal
test test-fast: export OMP_NUM_THREADS = 1
test: .venv/dev lint
	$(TEST)

# At most two minutes on two cores.
test-fast: .venv/dev
	$(TEST) -m 'not slow'

clean:
	rm -rf .venv build

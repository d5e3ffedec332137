# make serve | ui | test | test-fast | lint | demo | setup | train | image | clean.
# RUNTIME=gpu takes onnxruntime-gpu.

PYTHON  ?= python3
RUNTIME ?= cpu
PORT    ?= 3000
UI_PORT ?= 3001
PRESET  ?= smoke
SHIPPED := service/shipped/vehicles
BUNDLE  ?= $(SHIPPED)
# Of `make image`; `ENGINE=podman` builds it too, EXTRAS=shared,video names other extras, EXTRAS= none.
ENGINE  ?= docker
BASE    ?= docker.io/library/python:3.11-slim-bookworm
IMAGE   ?= inverse-graphics:0.2.0
EXTRAS  ?= shared

BIN     := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt
PINS    := pyproject.toml .ci/constraints.txt
# Two thread pools that spin for each other's work cost half the speed.
export OMP_WAIT_POLICY ?= PASSIVE
# Nothing is sent about its use, also by what runs before our own code.
export BENTOML_DO_NOT_TRACK := True
export ORT_DISABLE_TELEMETRY := 1
# Ends with what to do where a Python of another version runs it.
RIGHT_VERSION = 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 13) else \
	f"{sys.executable} is Python {v[0]}.{v[1]}; 3.11 or 3.12 is needed: $(1)make PYTHON=python3.12")'

# What finds the object in photographs of anything. Where it cannot be downloaded this says so, and
# the bundle's own serves.
GENERAL := service/shipped/general/segmenter.onnx

.PHONY: setup serve ui test test-fast demo train lint image clean
.DELETE_ON_ERROR:
# Two of pip at once would take each other's files away.
.NOTPARALLEL:

setup: .venv/service $(GENERAL) build/compiled

$(BIN)/python:
	@$(PYTHON) -c $(call RIGHT_VERSION,)
	$(PYTHON) -m venv .venv

# Each asks pip once for all that it needs, and stands for those whose packages it holds: to find out
# that nothing is missing takes pip ten seconds too.
.venv/service .venv/ui .venv/train .venv/dev: $(PINS) | $(BIN)/python
	@$(BIN)/python -c $(call RIGHT_VERSION,make clean && )
	$(PACKAGES)
	touch $(HELD) $@

.venv/service: PACKAGES = $(INSTALL) '.[$(RUNTIME)]'
.venv/ui: PACKAGES = $(INSTALL) '.[$(RUNTIME),ui]'
.venv/ui: HELD = .venv/service
# The plain spelling of torch's pin takes the CPU build where the package index offers one.
.venv/train: PACKAGES = $(INSTALL) torch==2.13.0 && $(INSTALL) '.[$(RUNTIME),train]'
.venv/train: HELD = .venv/service
.venv/dev: PACKAGES = $(INSTALL) torch==2.13.0 && \
	$(INSTALL) '.[$(RUNTIME),train,dev,shared,tensorboard,ui]'
.venv/dev: HELD = .venv/service .venv/ui .venv/train

$(GENERAL): $(wildcard service/segmenters/*.py) | .venv/service
	$(BIN)/python -m service.segmenters.general

# Compiled code lies beside the source. The first start would wait for it in each of its workers.
build/compiled: $(wildcard graphics/*.py graphics/*/*.py) .venv/service | $(SHIPPED)/manifest.json
	$(BIN)/python -m service.pipeline.compiling
	mkdir -p $(@D)
	touch $@

# The shipped bundle can be made anew, by the smoke preset; no other is.
$(SHIPPED)/manifest.json:
	$(MAKE) .venv/train
	$(BIN)/python -m train.cycle --preset smoke --run build/smoke
	mkdir -p $(SHIPPED)
	cp -r build/smoke/export/bundle/. $(SHIPPED)/

%/manifest.json:
	@echo "no bundle in $*: a training leaves one in RUN/export/bundle" >&2; exit 2

serve: $(BUNDLE)/manifest.json setup
	INVERSE_GRAPHICS_BUNDLE=$(BUNDLE) $(BIN)/bentoml serve service.api:InverseGraphics --port $(PORT)

# The page beside the service, which is started too where none answers at the port.
ui: $(BUNDLE)/manifest.json .venv/ui setup
	$(BIN)/python -m service.ui --start --bundle $(BUNDLE) \
		--service http://localhost:$(PORT) --port $(UI_PORT)

demo: $(BUNDLE)/manifest.json setup
	$(BIN)/python -m service.demo --bundle $(BUNDLE) --out build/demo

train: .venv/train
	$(BIN)/python -m train.cycle --preset $(PRESET)

LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/python .ci/type_errors.py
lint: .venv/dev
	$(LINT)

# One process per core, each with one thread; more than four would take memory and gain little.
TEST := $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile \
	--no-loadscope-reorder
test test-fast: export OMP_NUM_THREADS = 1
# Loops that many tests run are compiled once, beside the checks, and not in each process.
test: .venv/dev setup
	$(BIN)/python -m tests.compiling & { $(LINT); }; checked=$$?; wait $$! && exit $$checked
	$(TEST)

# At most two minutes on two cores.
test-fast: .venv/dev setup
	$(TEST) -m 'not slow'

image: $(SHIPPED)/manifest.json
	$(ENGINE) build -f k8s/image/Dockerfile --build-arg BASE=$(BASE) --build-arg RUNTIME=$(RUNTIME) \
		--build-arg EXTRAS=$(EXTRAS) --build-arg VERSION=$(lastword $(subst :, ,$(IMAGE))) \
		--build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) -t $(IMAGE) $(ENGINE_FLAGS) .

clean:
	rm -rf .venv build

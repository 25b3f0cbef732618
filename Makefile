# make demo    set up, install, and show the timeline of captures/neverssl.pcap
# make test    set up, install what the tests need, and run all of them: compiled, then uncompiled
# make help    the rest

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BUILD := build
PURE := $(BUILD)/pure
JOBS ?= 2
PYTEST_ARGS ?=
# setuptools explains at length that an editable install is one.
PIP_INSTALL = PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check
# pip does this for what it copies. Without it every start would compile again where PYTHONDONTWRITEBYTECODE is set.
COMPILE_ALL = $(BIN)/python -m compileall -q sniff
PYTEST = $(BIN)/pytest -n $(JOBS) $(PYTEST_ARGS)
SOURCES := $(shell find sniff -name '*.py' -o -name '*.pxd' -o -name '*.html' -o -name '*.css' -o -name '*.js' 2>/dev/null)
# Two builds at once would write the same files; where flock is missing nobody waits.
LOCK := $(if $(shell command -v flock 2>/dev/null),flock $(BUILD)/lock)

.PHONY: help demo test test-tools test-compiled test-uncompiled lint types build bench captures docs clean
.NOTPARALLEL:

help:
	@echo 'make demo             set up, install, and show the timeline of captures/neverssl.pcap'
	@echo 'make test             set up, install what the tests need, and run all tests, compiled and uncompiled'
	@echo 'make test-compiled    the tests, with the loops compiled'
	@echo 'make test-uncompiled  the same tests, without those of the page in a browser, on a copy in which nothing is compiled'
	@echo 'make lint             ruff'
	@echo 'make types            mypy, strict'
	@echo 'make build            compile the modules listed in setup.py, in place'
	@echo 'make bench            sniff beside its peers on large captures (makes 1.6 GB of them)'
	@echo 'make captures         record the captures again (root)'
	@echo 'make docs             draw the pictures in docs/ and the example report again'
	@echo 'make clean            remove what was built; the virtual environment stays'

demo: $(VENV)/sniff.installed
	@$(BIN)/sniff analyze captures/neverssl.pcap

# --- set-up -------------------------------------------------------------------------------------------------------------

$(VENV)/pyvenv.cfg:
	@PYTHON="$(PYTHON)" scripts/make_venv.sh $(VENV)

$(VENV)/sniff.installed: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP_INSTALL) --editable .
	@$(COMPILE_ALL)
	@touch $@

$(VENV)/tools.installed: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP_INSTALL) --editable '.[test,lint]'
	@touch $(VENV)/sniff.installed $@

build: $(VENV)/tools.installed
	@mkdir -p $(BUILD)
	@$(LOCK) $(BIN)/python setup.py -q build_ext --inplace
	@$(COMPILE_ALL)
	@-$(BIN)/python scripts/check_uncompiled.py

# --- tests --------------------------------------------------------------------------------------------------------------

test: test-compiled test-uncompiled

# Before anything is built: the C compiler is one of them.
test-tools: $(VENV)/pyvenv.cfg
	@scripts/install_tools.sh test

test-compiled: test-tools build
	SNIFF_TEST=compiled $(PYTEST)

test-uncompiled: test-tools $(PURE)/installed
	SNIFF_TEST=uncompiled SNIFF_TEST_PACKAGE=$(PURE) $(PYTEST)

$(PURE)/installed: $(VENV)/tools.installed $(SOURCES) pyproject.toml setup.py
	@rm -rf $(PURE) $(BUILD)/lib $(BUILD)/bdist.*
	SNIFF_PURE=1 $(PIP_INSTALL) --no-deps --no-build-isolation --target $(PURE) .
	@touch $@

lint: $(VENV)/tools.installed
	$(BIN)/ruff check

types: $(VENV)/tools.installed
	$(BIN)/mypy

# --- the rest -----------------------------------------------------------------------------------------------------------

bench: build
	@scripts/install_tools.sh bench
	$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

captures: $(VENV)/sniff.installed
	@scripts/install_tools.sh captures
	$(BIN)/python -m pip install --quiet --disable-pip-version-check gunicorn werkzeug
	$(BIN)/python captures/make_neverssl.py
	$(BIN)/python captures/record.py

docs: build
	$(BIN)/python scripts/draw_docs.py
	$(BIN)/python scripts/draw_report.py

clean:
	rm -rf $(BUILD) dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find sniff -name '*.so' -delete
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -f $(VENV)/*.installed

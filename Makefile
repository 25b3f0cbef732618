.PHONY: build
VENV ?= .venv
PYTHON ?= $(VENV)/bin/python

build:
	flock /tmp/sniff-build.lock $(PYTHON) setup.py -q build_ext --inplace

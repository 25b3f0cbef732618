#!/bin/sh
# Make the virtual environment $1 with the first Python 3.11 or newer among $PYTHON and the usual names.
set -eu

venv=$1
for python in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        break
    fi
    python=
done
if [ -z "$python" ]; then
    echo "sniff needs Python 3.11 or newer, and found none. Install one, or say where it is: make PYTHON=/path/to/python3" >&2
    exit 1
fi

# Debian and Ubuntu ship the venv module without pip; it is in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$(dirname "$0")/install_tools.sh" venv
fi
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip

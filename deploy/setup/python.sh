#!/bin/sh
# Makes the virtual environment: python.sh DIRECTORY. PYTHON names the interpreter, 3.11 or newer.
set -eu
directory=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "This Python cannot make virtual environments; install it: apt-get install python3-venv" >&2
        exit 1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
fi
"$python" -m venv "$directory"
# The editable install is built without fetching a build environment: its backend comes from here.
"$directory/bin/pip" --disable-pip-version-check --quiet install --require-hashes -r deploy/requirements-build.lock

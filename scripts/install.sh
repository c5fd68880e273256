#!/usr/bin/env bash
# Installs a Python lock file into an environment: scripts/install.sh PYTHON LOCK_FILE
# By uv, which takes a fifth of pip's time; by pip where uv does not reach pip's index.
set -eu
python=$1 lock=$2
pip() { "$python" -m pip install --quiet --disable-pip-version-check --require-hashes "$@"; }
pip -r "$(dirname "$0")/../requirements-installer.lock"
"$(dirname "$python")/uv" pip install --quiet --native-tls --compile-bytecode --require-hashes \
  --python "$python" -r "$lock" || pip -r "$lock"

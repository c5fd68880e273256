#!/usr/bin/env bash
# Writes the Python lock files anew; needs `uv`. For after a change of pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header pyproject.toml "$@"
}
lock --group build --output-file requirements.lock
lock --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock
echo "uv==$(uv --version | cut -d" " -f2)" | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header - --output-file requirements-installer.lock

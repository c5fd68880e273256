#!/usr/bin/env bash
# Writes the Python lock files anew; needs `uv`. For after a change of pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header "$@"
}
lock pyproject.toml --group build --output-file requirements.lock
lock pyproject.toml --group build --group dev --constraint requirements.lock \
  --output-file requirements-dev.lock
uv --version | awk '{ print "uv==" $2 }' | lock - --output-file requirements-installer.lock
lock requirements-analysis.in --output-file requirements-analysis.lock

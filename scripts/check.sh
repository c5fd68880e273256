#!/usr/bin/env bash
# Linters, types and layers; prints what is wrong and where.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
"$bin/ruff" check --quiet .
"$bin/ruff" format --check --quiet .
"$bin/mypy" --no-error-summary
"$bin/lint-imports" --no-logo 2>/dev/null || "$bin/lint-imports"
npm run --silent lint

#!/usr/bin/env bash
# Linters, types and layers; prints what is wrong and where.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
report=$(mktemp)
trap 'rm -f "$report"' EXIT
export PATH="$PWD/node_modules/.bin:$PATH"
"$bin/ruff" check --quiet .
"$bin/ruff" format --check --quiet .
"$bin/mypy" --no-error-summary
"$bin/lint-imports" >"$report" || { cat "$report"; exit 1; }
npm run --silent lint:solidity
npm run --silent lint:web

#!/usr/bin/env bash
# Tools that look at the contracts instead of running them (docs/verification.md):
#
#   scripts/analysis.sh slither          status 1 for a high or medium finding nobody explained
#   scripts/analysis.sh halmos [WHAT]    prove tests/solidity/symbolic, or contracts like WHAT
#
# They live in .venv-analysis, because what they depend on clashes with the node's packages.
set -eu
cd "$(dirname "$0")/.."
python=.venv-analysis/bin/python
export PATH="$PWD/node_modules/.bin:$PWD/.venv-analysis/bin:$PATH"
installed=.venv-analysis/.installed
if [ ! -e $installed ] || [ requirements-analysis.lock -nt $installed ]; then
  echo "installing slither and halmos"
  [ -x "$python" ] || "${PYTHON:-python3}" -m venv .venv-analysis
  scripts/install.sh "$python" requirements-analysis.lock
  touch $installed
fi
case "${1:-}" in
  slither)
    export FOUNDRY_OUT=out/slither FOUNDRY_CACHE_PATH=out/slither/cache
    export FOUNDRY_SOLC=tools/solc
    export FOUNDRY_LINT_LINT_ON_BUILD=false
    rm -rf out/slither
    forge build --quiet --build-info --skip '*/tests/**'
    slither . --ignore-compile --foundry-out-directory out/slither --json out/slither/found.json \
      >out/slither/log 2>&1 || true
    exec "$python" scripts/check_findings.py out/slither/found.json slither.explained.json
    ;;
  halmos)
    export FOUNDRY_PROFILE=symbolic
    exec "$python" scripts/prove.py --forge-build-out out/symbolic \
      --match-contract "${2:-}.*Symbolic" --solver-timeout-assertion 600000
    ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

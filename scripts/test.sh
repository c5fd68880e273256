#!/usr/bin/env bash
# The test suite, part by part, with the time that each took; `scripts/test.sh deep`: the long one.
set -u
cd "$(dirname "$0")/.."
mode=${1:-default}
failed=0
part() {
  local name=$1 begun=$SECONDS status said
  shift
  printf '\n== %s\n' "$name"
  "$@"
  status=$?
  [ $status = 0 ] || failed=1
  [ $status = 0 ] && said=ok || said="FAILED ($status)"
  printf '== %s: %s, %s s\n' "$name" "$said" $((SECONDS - begun))
}
part "linters, types, layers" scripts/check.sh
if [ "$mode" = deep ]; then
  part "contracts, deep" npm run --silent test:solidity:deep
  part "Python, deep" .venv/bin/python -m pytest -q -m deep
else
  part "contracts" npm run --silent test:solidity
  part "protocol, indexer, node, pages" .venv/bin/python -m pytest -q -m "not deep"
fi
exit $failed

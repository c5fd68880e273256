#!/usr/bin/env bash
# The test suite, part by part, with the time that each took.
#
#   scripts/test.sh          what runs on every change
#   scripts/test.sh deep     what takes longer; what passed on this very commit is not repeated
set -u
cd "$(dirname "$0")/.."
mode=${1:-default}
failed=0
pytest=(.venv/bin/python -m pytest -q --durations=12)

# Where the parts that passed on this commit are kept; nowhere while something is not committed.
passed=
if [ "$mode" = deep ] && [ -z "$(git status --porcelain)" ]; then
  passed=build/deep/$(git rev-parse HEAD)
  mkdir -p "$passed"
fi

part() {
  local name=$1 begun=$SECONDS status said mark
  mark=${passed:+$passed/${name//[^a-z0-9]/-}}
  shift
  if [ -n "$mark" ] && [ -e "$mark" ]; then
    printf '== %s: passed before on this commit\n' "$name"
    return
  fi
  printf '\n== %s\n' "$name"
  "$@"
  status=$?
  [ $status = 0 ] || failed=1
  [ $status = 0 ] && said=ok || said="FAILED ($status)"
  [ $status = 0 ] && [ -n "$mark" ] && touch "$mark"
  printf '== %s: %s, %s s\n' "$name" "$said" $((SECONDS - begun))
  return $status
}

# Runs a part beside the others; `beside_done` waits for all of them and shows what they said.
beside_pids=() beside_logs=()
beside() {
  beside_logs+=("$(mktemp)")
  set -m # a process group of its own, which hears a Ctrl-C through beside_stop
  part "$@" >"${beside_logs[-1]}" 2>&1 </dev/null &
  set +m
  beside_pids+=($!)
}

beside_stop() {
  kill -INT -- "${beside_pids[@]/#/-}" 2>/dev/null
  wait
  cat "${beside_logs[@]}"
  rm "${beside_logs[@]}"
  exit 130
}

beside_done() {
  local number
  trap beside_stop INT TERM
  for number in "${!beside_pids[@]}"; do
    wait "${beside_pids[number]}" || failed=1
    cat "${beside_logs[number]}"
    rm "${beside_logs[number]}"
  done
  trap - INT TERM
  beside_pids=() beside_logs=()
}

# All invariants together take longer than half an hour.
invariants() {
  local names
  names=$(grep -oh 'invariant_[A-Za-z0-9]*' "tests/solidity/invariants/$1Invariants.sol" |
    paste -sd '|')
  FOUNDRY_PROFILE=deep forge test --match-path 'tests/solidity/invariants/*' \
    --match-test "^($names)\\("
}

# Says what no test meets; that there is anything is a failure.
coverage() {
  npm run --silent coverage:solidity || return
  awk -F: '/^SF:/ { file = $2 }
    /^(DA:[0-9]+,0|BRDA:.*,(0|-)|FNDA:0,.*)$/ { print file ": " $0; missed = 1 }
    END { exit missed }' out/lcov.info
}

if [ "$mode" = deep ]; then
  part "contracts, deep" npm run --silent test:solidity:deep
  for file in tests/solidity/invariants/*Invariants.sol; do
    group=$(basename "$file" Invariants.sol)
    part "invariants, deep: $group" invariants "$group"
  done
  part "contracts on the EVM of Hardhat" npm run --silent test:solidity:hardhat
  part "coverage of the contracts" coverage
  part "slither" scripts/analysis.sh slither
  part "halmos" scripts/analysis.sh halmos
  part "mutants of the contracts" .venv/bin/python scripts/mutate.py --minutes 30
  sent=tests/boundaries/test_whatever_is_sent.py
  part "python, deep" "${pytest[@]}" -m deep --ignore=$sent
  for group in part_0 part_1 part_2 part_3 body; do
    part "whatever is sent, deep: $group" \
      "${pytest[@]}" -m deep $sent -k "deep_$group or deep_a_$group"
  done
  part "planted bugs" .venv/bin/python scripts/plant.py
  on_chain=(
    tests/node tests/sending tests/access tests/records tests/requests tests/watch
    tests/indexer tests/e2e tests/faults
  )
  for hardfork in istanbul london cancun; do
    part "python on $hardfork" \
      env PTX_CHAIN_HARDFORK=$hardfork "${pytest[@]}" -m "not deep" "${on_chain[@]}"
  done
  if command -v go >/dev/null; then
    part "python on go-ethereum" \
      env PTX_TEST_CHAIN=geth "${pytest[@]}" -m "not deep" \
      tests/node tests/access tests/records tests/requests tests/watch \
      tests/indexer tests/e2e tests/sending/test_geth.py
  else
    printf '== python on go-ethereum: left out, Go is not there\n'
  fi
else
  part "linters, types, layers" scripts/check.sh
  # Each on a chain and a database of its own: what waits for one leaves the processor to others.
  beside "contracts" npm run --silent test:solidity
  of_node=(tests/node tests/sending tests/access tests/records tests/requests tests/e2e tests/web)
  beside "node, pages" "${pytest[@]}" -m "not deep" "${of_node[@]}"
  beside "protocol, indexer, all others" \
    "${pytest[@]}" -m "not deep" "${of_node[@]/#/--ignore=}"
  beside_done
fi
exit $failed

#!/usr/bin/env bash
# Asks the advisory databases about every package that is pinned: pip-audit for Python, npm for the
# rest. Needs the network, and pip-audit (`pipx install pip-audit`, or PIP_AUDIT=/path/to/it), which
# stands in no lock, since nothing of the project runs with it.
#
#   status 0   all answered, and nothing is known
#   status 1   something is known
#   status 2   a database did not answer for every package, so that nothing is shown
set -u
cd "$(dirname "$0")/.."
audit=("${PIP_AUDIT:-pip-audit}" --require-hashes --disable-pip --progress-spinner off)
known=0 silent=0

# Runs an audit; its second argument is what it says only when something is known.
ask() {
  local name=$1 finding=$2 said
  shift 2
  printf '== %s\n' "$name"
  said=$("$@" 2>&1)
  local status=$?
  printf '%s\n' "$said"
  if [[ $said == *"$finding"* ]]; then
    known=1
  elif [ $status != 0 ] || [[ $said == *"Skip Reason"* ]]; then
    printf 'The database did not answer for every package.\n'
    silent=2
  fi
}

for lock in requirements*.lock; do
  ask "$lock" "Fix Versions" "${audit[@]}" --requirement "$lock"
done
ask package-lock.json "npm audit fix" npm audit
[ $known = 1 ] && exit 1
exit $silent

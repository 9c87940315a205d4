#!/bin/bash
# Everything that must hold before a commit: format and lint, types, layers, dead code, unit tests. Under a minute.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

[ -d node_modules ] || npm ci
# What the tests of the client run.
node scripts/build.ts || exit 1

failed=()
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

unit_tests() {
  local files
  mapfile -t files < <(find test -name '*.test.ts' ! -name '*.kernel.test.ts' ! -name '*.e2e.test.ts' | sort)
  node --test --test-concurrency=2 --test-timeout=60000 --test-reporter=dot "${files[@]}"
}

step 'format and lint' biome ci --colors=off --error-on-warnings .
step types tsc
step layers depcruise src --output-type err
step 'dead code' knip --no-progress
step 'unit tests' unit_tests

if [ ${#failed[@]} -gt 0 ]; then
  printf -v list '%s, ' "${failed[@]}"
  echo "check: failed: ${list%, }" >&2
  exit 1
fi
echo 'check: ok'

#!/bin/bash
# Everything that must hold before a commit: format and lint, types, dead code, unit tests (the layers are one of them).
# Under a minute.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

[ -d node_modules ] || npm ci
# What the tests of the client run.
node scripts/build.ts || exit 1

# Kept from run to run, and used for files whose content is the same: code without its types, and what tsc has found.
cache=$PWD/.cache
export NODE_COMPILE_CACHE=$cache/node

output=$(mktemp -d "${TMPDIR:-/tmp}/tsstack-check.XXXXXX")
trap 'rm -rf "$output"' EXIT
failed=()
declare -A running

begin() {
  local name=$1
  shift
  "$@" > "$output/$name" 2>&1 &
  running[$name]=$!
}

end() {
  echo "== $1"
  wait "${running[$1]}" || failed+=("$1")
  cat "$output/$1"
}

unit_files() {
  find test -name '*.test.ts' ! -name '*.kernel.test.ts' ! -name '*.e2e.test.ts' ! -name '*.vm.test.ts' | sort
}

# Tests that neither change their process nor wait for anything share one process: half of what each costs alone is
# loading the same modules.
shared='^test/(build|executor|host|lib|network|planner|runtime|supervisor|volume)/'

# Files that match a pattern (grep's options and pattern in $1), the rest are options of node. Without a file node would
# run every test there is.
unit_tests() {
  local which=$1 files
  shift
  # shellcheck disable=SC2086 # options and a pattern without blanks
  mapfile -t files < <(unit_files | grep -E $which)
  [ ${#files[@]} -gt 0 ] || return 1
  node --test --test-timeout=60000 --test-reporter=dot "$@" "${files[@]}"
}

begin 'format and lint' biome ci --colors=off --error-on-warnings .
begin types tsc --incremental --tsBuildInfoFile "$cache/tsc"
begin 'dead code' knip --no-progress
for name in 'format and lint' types 'dead code'; do end "$name"; done

begin 'unit tests: spec' unit_tests ^test/spec/ --test-isolation=none
begin 'unit tests: pure code' unit_tests "$shared" --test-isolation=none
begin 'unit tests: the others' unit_tests "-v ^test/spec/|$shared" --test-concurrency=2
for name in 'unit tests: spec' 'unit tests: pure code' 'unit tests: the others'; do end "$name"; done

if [ ${#failed[@]} -gt 0 ]; then
  printf -v list '%s, ' "${failed[@]}"
  echo "check: failed: ${list%, }" >&2
  exit 1
fi
echo 'check: ok'

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

unit_tests() {
  local files
  mapfile -t files < <(find test -name '*.test.ts' ! -name '*.kernel.test.ts' ! -name '*.e2e.test.ts' | sort)
  node --test --test-concurrency=2 --test-timeout=60000 --test-reporter=dot "${files[@]}"
}

begin 'format and lint' biome ci --colors=off --error-on-warnings .
begin types tsc --incremental --tsBuildInfoFile "$cache/tsc"
begin 'dead code' knip --no-progress
for name in 'format and lint' types 'dead code'; do end "$name"; done

echo '== unit tests'
unit_tests || failed+=('unit tests')

if [ ${#failed[@]} -gt 0 ]; then
  printf -v list '%s, ' "${failed[@]}"
  echo "check: failed: ${list%, }" >&2
  exit 1
fi
echo 'check: ok'

#!/bin/bash
# Passes all the tests, set-up included:
#   unit     no root, no kernel state                  test/**/*.test.ts without the two below
#   kernel   one kernel subject each, needs root       test/**/*.kernel.test.ts
#   e2e      bin/tsstack as a user runs it             test/e2e/*.e2e.test.ts
#   audit    the registry's list of vulnerabilities of what is shipped, where it has one: scripts/audit.sh
#   v2       the files of test/v2.txt on two throw-away cgroup v2 hosts, where ../shared/vm/in-vm is there; *.vm.test.ts only there
# `scripts/test.sh unit e2e` runs only those. The last line is `N passed, N failed, N skipped`; exit 1 when any failed.
set -uo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp "${TMPDIR:-/tmp}/tsstack-test.XXXXXX")
trap 'rm -f "$log"*' EXIT

# Runs node:test over files; $1 is how many files run at the same time. A set that hangs ends after three quarters of an
# hour, without totals, which counts as a failure.
run_files() {
  local concurrency=$1
  shift
  timeout --kill-after=10 2700 node_modules/.bin/node --test --test-timeout="${TEST_TIMEOUT_MS:-300000}" --test-concurrency="$concurrency" \
    --import ./test/helpers/compile-cache.mjs \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./test/helpers/totals-reporter.ts --test-reporter-destination=stdout "$@"
}

# One set of tests: shows its output, keeps it, and counts a run that ended without totals as one failure.
run_set() {
  local name=$1 totals
  shift
  echo "== $name"
  "$@" 2>&1 | tee "$log.part"
  totals=$(grep -a -c '^# totals ' "$log.part")
  [ "$totals" -gt 0 ] || echo "# totals 0 1 0 ($name ended without a result)" | tee -a "$log.part"
  cat "$log.part" >> "$log"
  rm -f "$log.part"
}

files_of() {
  case $1 in
    unit) find test -name '*.test.ts' ! -name '*.kernel.test.ts' ! -name '*.e2e.test.ts' ! -name '*.vm.test.ts' ;;
    kernel) find test -name '*.kernel.test.ts' ;;
    e2e) find test/e2e -name '*.e2e.test.ts' ;;
    v2) grep -v '^#' test/v2.txt | while read -r pattern; do compgen -G "$pattern"; done ;;
  esac | sort
}

# Every other file of the set, from the first ($1 is 0) or the second (1).
half_of_v2() {
  files_of v2 | awk -v half="$1" 'NR % 2 != half'
}

# An emulated host does one thing at a time: two of them share the work. The second's output comes when it has ended.
in_two_halves() {
  on_host "$1" 1 > "$log.second" 2>&1 &
  on_host "$1" 0
  wait $!
  cat "$log.second"
}

# A half on a host of its own; one that ended without totals counts as a failure.
on_host() {
  "$1" --timeout 2900 -- bash scripts/test.sh in-vm "$2" 2>&1 | tee "$log.half$2"
  grep -a -q '^# totals ' "$log.half$2" || echo "# totals 0 1 0 (half $2 ended without a result)"
}

run_named() {
  local files in_vm=${IN_VM:-../shared/vm/in-vm}
  if [ "$1" = audit ]; then
    run_set 'vulnerabilities of what is shipped' bash scripts/audit.sh
    return
  fi
  mapfile -t files < <(files_of "$1")
  [ ${#files[@]} -gt 0 ] || return 0
  case $1 in
    unit) run_set 'unit, plan and property tests' run_files 2 "${files[@]}" ;;
    kernel) run_set 'kernel tests' run_files 1 "${files[@]}" ;;
    e2e) run_set 'end-to-end tests' run_files 1 "${files[@]}" ;;
    v2)
      if [ ! -x "$in_vm" ]; then
        run_set 'cgroup v2 host' printf '# skipped: the set of test/v2.txt: no %s\n# totals 0 0 1\n' "$in_vm"
      elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mapfile -t files < <(find test -name '*.vm.test.ts' | sort)
        run_set 'cgroup v2 host: this one is; tests of what not every kernel has' run_files 1 "${files[@]}"
      else
        # Loads every file once, for the cache of code without types.
        run_files 2 --test-name-pattern='none, they are only loaded' "${files[@]}" > /dev/null 2>&1
        run_set 'kernel and end-to-end tests on a cgroup v2 host' in_two_halves "$in_vm"
      fi
      ;;
  esac
}

# Inside one of the two throw-away hosts: no set-up, no totals of our own; the caller adds up what is printed. There is no
# /dev/fd.
if [ "${1:-}" = in-vm ]; then
  mapfile -t files <<< "$(half_of_v2 "$2")"
  # As nearly every machine has it: what AppArmor is told through.
  mount -t securityfs securityfs /sys/kernel/security
  TEST_TIMEOUT_MS=900000 run_files 1 "${files[@]}"
  exit
fi

bash scripts/setup.sh --tests || exit 1
for name in "${@:-unit audit kernel e2e v2}"; do
  for each in $name; do run_named "$each"; done
done

echo
grep -a '^# skipped: ' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) # /\1 × /'
awk '/^# totals / { p += $3; f += $4; s += $5 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"

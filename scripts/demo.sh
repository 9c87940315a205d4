#!/bin/bash
# The main job: brings an example up, shows it answering, says what to try next. `npm run demo hello` for another one.
set -euo pipefail
cd "$(dirname "$0")/.."
example=${1:-web}

case $example in
  web) port=${WEB_PORT:-8080} ;;
  hello) port=${HELLO_PORT:-8000} ;;
  *)
    echo "demo: $example is none of: web, hello" >&2
    exit 2
    ;;
esac

if [ "$example" = web ]; then bash scripts/setup.sh --examples; else bash scripts/setup.sh; fi

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

file=examples/$example/stack.yaml
show bin/tsstack -f "$file" up -d --wait
show bin/tsstack -f "$file" ps
show curl -sS --fail --max-time 10 "http://127.0.0.1:$port/"

cat << NEXT

It is up. Next, in examples/$example:

  tsstack plan                 what \`up\` would do now: nothing
  tsstack plan --script        a plan as a shell script (after \`down\`, or with a change in stack.yaml)
  tsstack logs -f              what the services say
  tsstack exec $([ "$example" = web ] && echo app || echo web) sh         a shell inside
  edit stack.yaml, tsstack up  only what differs is changed
  tsstack down -v              everything gone, volumes too
NEXT

#!/bin/sh
# Makes build/base.tar, a root filesystem of a few Debian packages, and takes it into the store as NAME
# (default: tsstack-example/base).
set -eu
cd "$(dirname "$0")"
tsstack=$(command -v tsstack || echo "$PWD/../../bin/tsstack")
command -v mmdebstrap > /dev/null || { echo 'base.sh: no mmdebstrap: apt-get install mmdebstrap' >&2; exit 1; }

mkdir -p build
if [ ! -e build/base.tar ]; then
  # Unpacked and not configured: it needs no programs but these.
  mmdebstrap --quiet --variant=extract --include=base-files,busybox-static,coreutils,dash bookworm build/new.tar
  mv build/new.tar build/base.tar
fi
"$tsstack" image import --change 'ENV PATH=/usr/bin:/bin' build/base.tar "${1:-tsstack-example/base}"

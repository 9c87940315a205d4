#!/bin/bash
# Makes this checkout ready to use; does only what is missing, so that it is quick when nothing is.
#   scripts/setup.sh              Debian packages, npm packages (the pinned Node 24 among them), the build, the link
#   scripts/setup.sh --examples   also the programs that examples/web runs: nginx, redis, PostgreSQL, Node
#   scripts/setup.sh --tests      also what only the tests use: a registry for images, and others' programs to compare with
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(nftables iproute2 util-linux procps busybox-static attr xz-utils bzip2 zstd git curl)
case ${1:-} in --examples | --tests) packages+=(nginx redis-server postgresql) ;; esac
[ "${1:-}" != --tests ] || packages+=(docker-registry skopeo umoci buildah mmdebstrap openssl python3 libcap2-bin
  python3-seccomp apparmor binutils-multiarch uidmap passt slirp4netns crun runc tini qemu-user-static)

fail() {
  echo "setup: $1" >&2
  exit 1
}

say() {
  echo "setup: $1" >&2
}

missing_packages() {
  local installed package
  installed=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' 2> /dev/null) "
  for package in "$@"; do
    [[ $installed == *" $package:installed "* ]] || echo "$package"
  done
}

# Installs without starting, or enabling for the next boot, any service that comes along.
install_packages() {
  local policy=/usr/sbin/policy-rc.d own_policy='' service
  if [[ " $* " == *' postgresql '* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
  fi
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    own_policy=1
  fi
  local apt=(apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold)
  local status=0 output
  output=$(mktemp)
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" "$@" > "$output" 2>&1 ||
    { apt-get update -qq > "$output" 2>&1 && DEBIAN_FRONTEND=noninteractive "${apt[@]}" "$@" > "$output" 2>&1; } ||
    status=$?
  [ -z "$own_policy" ] || rm -f $policy
  [ $status = 0 ] || tail -n 20 "$output" >&2
  rm -f "$output"
  [ $status = 0 ] || fail "apt-get could not install: $*"
  command -v systemctl > /dev/null || return 0
  for service in nginx redis-server postgresql docker-registry apparmor; do
    [[ " $* " != *" $service "* ]] || systemctl disable --quiet "$service" 2> /dev/null || true
  done
}

debian_packages() {
  local missing
  if ! command -v dpkg-query > /dev/null; then
    say "not a Debian machine: see to it that these are installed: ${packages[*]}"
    return 0
  fi
  # examples/web runs Node in a container that sees /usr only, so one below the user's home will not do.
  [[ " ${packages[*]} " != *' nginx '* ]] || PATH=/usr/local/bin:/usr/bin command -v node > /dev/null || packages+=(nodejs)
  mapfile -t missing < <(missing_packages "${packages[@]}")
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "run as root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  install_packages "${missing[@]}"
}

npm_packages() {
  local stamp=node_modules/.tsstack-lock
  cmp -s package-lock.json $stamp && return 0
  # A node_modules that another npm filled is as good if it holds what the lock file says.
  if [ ! -e $stamp ] && [ -e node_modules/.bin/node ] && npm ls --silent > /dev/null 2>&1; then
    cp package-lock.json $stamp
    return 0
  fi
  say 'npm ci'
  npm ci --no-progress --loglevel=error >&2 || fail 'npm ci failed'
  cp package-lock.json $stamp
}

build() {
  local stamp=dist/.built
  if [ -e $stamp ] && [ -z "$(find src schema scripts package-lock.json -newer $stamp -type f -print -quit)" ]; then
    return 0
  fi
  say 'npm run build'
  npm run --silent build >&2 || fail 'the build failed'
  mkdir -p dist
  touch $stamp
}

# A link to another checkout that works is somebody's choice and stays.
link_command() {
  local link=/usr/local/bin/tsstack target=$PWD/bin/tsstack
  [ "$(readlink -f $link 2> /dev/null)" != "$target" ] || return 0
  if [ -e $link ]; then
    say "$link is another one; run $target"
    return 0
  fi
  ln -sfn "$target" $link 2> /dev/null || say "cannot write $link; run $target"
}

debian_packages
npm_packages
build
link_command

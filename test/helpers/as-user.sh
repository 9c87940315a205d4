#!/bin/bash
# as-user.sh HOME CHANGES COMMAND [ARG ...]: runs a command as the ordinary user 2000, in the current directory, on a
# machine that is made for him: with lines in /etc/subuid and a /dev/net/tun that he may use, both in a mount namespace of
# the command's own, and this checkout on /mnt. CHANGES: shell commands that are run there as root before, to take something away;
# they may set PATH_OF_USER.
set -eu
home=$1 changes=$2
shift 2
export HOME_OF_USER=$home CHECKOUT
CHECKOUT=$(cd "$(dirname "$0")/../.." && pwd)
exec unshare --mount --propagation private bash -c '
set -eu
new=$(mktemp -d)
cp /etc/passwd /etc/group "$new"
echo "tsuser:x:2000:2000::$HOME_OF_USER:/bin/sh" >>"$new/passwd"
echo "tsuser:x:2000:" >>"$new/group"
echo "tsuser:100000:65536" >"$new/subuid"
cp "$new/subuid" "$new/subgid"
for file in passwd group subuid subgid; do mount --bind "$new/$file" "/etc/$file"; done
rm -r "$new"
mkdir -p /dev/net
mount -t tmpfs -o mode=755 tmpfs /dev/net
mknod -m 666 /dev/net/tun c 10 200
# The checkout, where others may look; it may lie in a directory that is closed to them.
mount --bind "$CHECKOUT" /mnt
eval "$0"
exec setpriv --reuid 2000 --regid 2000 --clear-groups env -i HOME="$HOME_OF_USER" USER=tsuser LANG=C.UTF-8 \
  PATH="${PATH_OF_USER:-/usr/local/bin:/usr/bin:/bin}" XDG_RUNTIME_DIR="$HOME_OF_USER/run" "$@"
' "$changes" "$@"

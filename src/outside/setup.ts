/**
 * The first process in the namespaces, for dash, bash and busybox: a `/run` of our own with all that the machine has in
 * its own, where network namespaces and what only the daemon and its helpers share can be made; a `/sys` that shows the
 * new network; the name server of the way out. Then it waits, and keeps them, until it is killed.
 *
 * Mount points of the machine cannot be looked up by path any more when they are covered, so they are open before.
 */
export const SETUP = `set -eu
umask 022
exec 5</run 6</sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
cd /proc/self/fd/5
for entry in * .[!.]*; do
  case $entry in
  # Of the machine's root: its network namespaces, its tsstack, the notes of its mount(8).
  netns | mount | tsstack*) continue ;;
  esac
  if [ -L "$entry" ]; then
    cp -P "$entry" "/run/$entry"
  elif [ -d "$entry" ]; then
    [ -d "/run/$entry" ] || mkdir "/run/$entry"
    mount -c --rbind "/proc/self/fd/5/$entry" "/run/$entry" 2>/dev/null || rmdir "/run/$entry"
  elif [ -e "$entry" ]; then
    : >"/run/$entry"
    mount -c --bind "/proc/self/fd/5/$entry" "/run/$entry" 2>/dev/null || rm -f "/run/$entry"
  fi
done
cd /
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -c --rbind /proc/self/fd/6 /sys/fs/cgroup
exec 5<&- 6<&-
ip link set lo up
{ grep -E '^(search|options|domain)' /etc/resolv.conf || :; echo "nameserver $1"; } >/run/tsstack-resolv.conf
mount --bind /run/tsstack-resolv.conf "$(readlink -f /etc/resolv.conf)"
echo ready
exec sleep infinity </dev/null >/dev/null 2>&1
`;

# What a container's root can try on the kernel, with the capabilities that Docker gives by default. argv: path of a file
# that only the host has. Every attempt is harmless where it succeeds, or is taken back.
my $marker = shift @ARGV;
my $scratch = '/tmp/attack'; mkdir $scratch;
my ($MS_REMOUNT, $MS_BIND, $MS_REC, $MS_PRIVATE, $MS_MOVE) = (32, 4096, 16384, 1 << 18, 8192);

# -- files of the kernel that act on the whole machine
attempt "write $_->[0]", sub { put(@$_) && 'written' } for
  ['/proc/sysrq-trigger', "h\n"], ['/proc/sys/kernel/core_pattern', "|/attack %p\n"], ['/proc/sys/kernel/modprobe', "/attack\n"],
  ['/proc/sys/kernel/hostname', "attacked\n"], ['/proc/sys/vm/drop_caches', "1\n"], ['/proc/sys/fs/binfmt_misc/register', ":a:M::x::/attack:\n"],
  ['/proc/sys/kernel/core_pipe_limit', "1\n"], ['/proc/sys/vm/panic_on_oom', "0\n"], ['/proc/irq/default_smp_affinity', "1\n"],
  ['/sys/kernel/uevent_helper', "/attack\n"], ['/sys/class/mem/null/uevent', "change\n"], ['/sys/kernel/mm/ksm/run', "0\n"],
  ['/sys/power/state', "freeze_not\n"], ['/sys/module/printk/parameters/time', "Y\n"], ['/proc/acpi/wakeup', "x\n"],
  ['/proc/1/root/../proc/sysrq-trigger', "h\n"];

# -- cgroup: release_agent (CVE-2022-0492), limits of one's own
attempt 'cgroup v1 mount', sub { sys('mount', 'cgroup', $scratch, 'cgroup', 0, 'rdma,none,name=attack') && 'mounted' };
attempt 'cgroup v2 mount', sub { sys('mount', 'cgroup2', $scratch, 'cgroup2', 0, 0) && 'mounted' };
for my $file (glob('/sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent')) { next if !-e $file; print "there is $file\n"; attempt 'release_agent', sub { put($file, "/attack\n") && "$file written" } }
attempt 'cgroup: a group of its own', sub { for my $dir (glob('/sys/fs/cgroup /sys/fs/cgroup/*')) { return $dir if mkdir("$dir/attack") } 0 };
attempt 'cgroup: another limit', sub { for my $file (glob('/sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max')) { return $file if put($file, "max\n") } 0 };
attempt 'cgroup: all devices', sub { put('/sys/fs/cgroup/devices/devices.allow', "a\n") && 'written' };

# -- mounts and namespaces
attempt "unshare $_->[0]", sub { my $pid = fork; if (!$pid) { exit(sys('unshare', $_->[1]) && (sys('mount', 'none', $scratch, 'tmpfs', 0, 0) ? 0 : 2) ? 0 : 1) } waitpid $pid, 0; $? == 0 && 'made, and mounted in it' } for
  ['mount', 0x20000], ['user', 0x10000000], ['user and mount', 0x10020000], ['cgroup', 0x2000000], ['time', 0x80];
attempt 'clone into a user namespace', sub { my $pid = syscall($N{clone}, 0x10000000 | 17, 0, 0, 0, 0); if (defined $pid && $pid == 0) { POSIX::_exit(0) if defined &POSIX::_exit; syscall($N{exit_group}, 0) } $pid > 0 && "child $pid" };
attempt 'mount tmpfs', sub { sys('mount', 'none', $scratch, 'tmpfs', 0, 0) && 'mounted' };
attempt 'mount proc', sub { sys('mount', 'proc', $scratch, 'proc', 0, 0) && 'mounted' };
attempt 'remount /proc/sys', sub { sys('mount', 'none', '/proc/sys', 0, $MS_REMOUNT | $MS_BIND, 0) && 'writable' };
attempt 'remount /sys', sub { sys('mount', 'none', '/sys', 0, $MS_REMOUNT, 0) && 'writable' };
attempt 'move a mask away', sub { sys('mount', '/proc/keys', $scratch, 0, $MS_MOVE, 0) && 'moved' };
attempt 'unmount a mask', sub { sys('umount2', '/proc/kcore', 2) && 'gone' };
attempt 'bind over a mask', sub { sys('mount', '/proc', '/proc/keys', 0, $MS_BIND, 0) && 'bound' };
attempt 'pivot_root', sub { sys('pivot_root', '/', '/') && 'pivoted' };
attempt 'fsopen', sub { sys('fsopen', 'tmpfs', 0) && 'opened' };
attempt 'open_tree', sub { sys('open_tree', -100, '/', 1) && 'cloned' };
attempt 'mount_setattr', sub { sys('mount_setattr', -100, '/proc/sys', 0, pack('QQQQ', 0, 1, 0, 0), 32) && 'changed' };
attempt 'setns', sub { open(my $f, '<', '/proc/1/ns/mnt') or return; sys('setns', fileno($f), 0) && 'entered' };
attempt 'swapon', sub { sys('swapon', '/etc/hosts', 0) && 'on' };

# -- out of the root
attempt 'chroot break-out', sub {
  my $pid = open(my $child, '-|'); defined $pid or return;
  if (!$pid) {
    mkdir "$scratch/jail"; opendir(my $here, '/') or exit 1; chroot "$scratch/jail" or exit 1; chdir $here;
    chdir '..' for 1 .. 64; chroot '.'; print -e $marker ? 'outside' : ''; exit 0;
  }
  my $said = <$child>; close $child; $said };
attempt 'paths to the host', sub { for my $start ('', '/..', '/proc/1/root', '/proc/1/cwd', '/proc/self/root/../..', glob('/proc/*/root'), glob('/proc/*/fd/*')) { return $start if -e "$start$marker" || -e "$start/../../../../../..$marker" } 0 };
attempt 'open_by_handle_at (shocker)', sub { open(my $f, '<', '/etc/hosts') or return; my $handle = pack('IiQ', 8, 1, 2); sys('open_by_handle_at', fileno($f), $handle, 0) && 'opened' };

# -- devices
open(my $partitions, '<', '/proc/partitions'); my ($disk) = map { /^\s*(\d+)\s+(\d+)\s+\d+\s+(?!ram|loop|zram)\S+$/ ? [$1, $2] : () } <$partitions>;
for (['disk', 'b', @{$disk // [8, 0]}], ['mem', 'c', 1, 1], ['port', 'c', 1, 4], ['kmsg', 'c', 1, 11], ['console', 'c', 5, 1], ['tty1', 'c', 4, 1],
     ['ttyS0', 'c', 4, 64], ['loop-control', 'c', 10, 237], ['fuse', 'c', 10, 229], ['kvm', 'c', 10, 232], ['pty of the host', 'c', 136, 0], ['btrfs', 'c', 10, 234], ['cpu_dma_latency', 'c', 10, 124]) {
  my ($name, $type, $major, $minor) = @$_;
  attempt "device $name ($type $major:$minor)", sub {
    my $node = "$scratch/node-$major-$minor";
    sys('mknodat', -100, $node, ($type eq 'b' ? 0060000 : 0020000) | 0600, ($minor & 0xff) | ($major << 8) | (($minor & ~0xff) << 12)) or return;
    my $opened = 0; for my $mode (O_RDWR, O_RDONLY, O_WRONLY) { my $file; $opened ||= sysopen($file, $node, $mode | O_NONBLOCK | O_NOCTTY) }
    my $why = $!; unlink $node; $! = $why; $opened && 'opened' };
}
attempt 'raw disk by its node in /dev', sub { for my $node (glob('/dev/vd* /dev/sd* /dev/nvme* /dev/dm-* /dev/mem /dev/kmem /dev/kmsg /dev/console /dev/userfaultfd')) { return $node if sysopen(my $f, $node, O_RDONLY | O_NONBLOCK) } 0 };

# -- system calls that Docker's profile or a missing capability refuses
my $zeros = "\0" x 256;
attempt "$_->[0]", sub { sys(@$_) && 'allowed' } for
  ['init_module', $zeros, 0, ''], ['delete_module', 'overlay', 0x800], ['kexec_load', 0, 0, 0, 0], ['bpf', 0, pack('IIIIQ', 2, 4, 4, 1, 0) . $zeros, 72],
  ['perf_event_open', pack('IIQ', 1, 112, 0) . $zeros, 0, -1, -1, 0], ['userfaultfd', 0], ['userfaultfd', 1], ['io_uring_setup', 1, $zeros],
  ['keyctl', 0, -3, 1, 0, 0], ['add_key', 'user', 'attack', 'x', 1, -3], ['request_key', 'user', 'attack', 0, 0],
  ['syslog', 3, $zeros, 256], ['iopl', 3], ['ioperm', 0x70, 2, 1], ['reboot', 0xfee1dead, 672274793, 0, 0], ['settimeofday', 0, 0],
  ['clock_settime', 0, pack('qq', time, 0)], ['adjtimex', pack('I', 1) . $zeros], ['sethostname', 'attacked', 8], ['acct', '/tmp/attack'], ['quotactl', 0x80000400, 0, 0, $zeros],
  ['fanotify_init', 0, 0], ['personality', 0x0040000], ['kcmp', 1, 1, 0, 0, 0], ['lookup_dcookie', 1, $zeros, 256], ['vhangup'], ['nfsservctl', 0, 0, 0],
  ['process_madvise', -1, 0, 0, 0, 0], ['move_pages', 1, 0, 0, 0, 0, 0], ['mbind', 0, 0, 0, 0, 0, 0], ['set_mempolicy', 1, 0, 0];
attempt 'finit_module', sub { open(my $f, '<', $0) or return; sys('finit_module', fileno($f), '', 0) && 'loaded' };
attempt "socket $_->[0]", sub { socket(my $s, $_->[1], $_->[2], $_->[3]) && 'made' } for ['vsock', 40, 1, 0], ['alg', 38, 5, 0];
attempt 'a raised limit', sub { sys('prlimit64', 0, 4, pack('qq', -1, -1), 0) && 'core files' };
print "done\n";

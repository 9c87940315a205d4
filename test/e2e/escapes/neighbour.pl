# What a container can try on another one and on the machine. argv: pids as the host sees them (comma-separated), the name of
# an abstract socket that is listened on outside, a key of System V IPC and a name of a message queue that the other one has.
my ($pids, $socket, $key, $queue) = @ARGV;
my @pids = map { $_ + 0 } split(/,/, $pids), 2 .. 400; $key += 0;
my %own = map { $_ => 1 } $$, map { m{/(\d+)$} } glob('/proc/[0-9]*');
@pids = grep { !$own{$_} } @pids;
my $zeros = "\0" x 64;

attempt 'other processes in /proc', sub { for my $pid (keys %own) { next if $pid == $$ || $pid == 1; open(my $f, '<', "/proc/$pid/comm") or next; my $name = <$f>; return $name if $name !~ /perl|sh|sleep/ } 0 };
attempt 'a signal', sub { for my $pid (@pids) { return "pid $pid" if kill(0, $pid) } 0 };
attempt 'ptrace', sub { for my $pid (@pids) { return "pid $pid" if sys('ptrace', 16, $pid, 0, 0) } 0 };
attempt 'ptrace by seize', sub { for my $pid (@pids) { return "pid $pid" if sys('ptrace', 0x4206, $pid, 0, 0) } 0 };
attempt 'reading memory', sub { for my $pid (@pids) { my $buffer = "\0" x 16; my $io = pack('PQ', $buffer, 16); return "pid $pid" if sys('process_vm_readv', $pid, $io, 1, $io, 1, 0) } 0 };
attempt 'a descriptor of a process', sub { for my $pid (@pids) { return "pid $pid" if sys('pidfd_open', $pid, 0) } 0 };
attempt 'priority', sub { for my $pid (@pids) { return "pid $pid" if sys('setpriority', 0, $pid, 19) } 0 };
attempt 'limits of a process', sub { for my $pid (@pids) { return "pid $pid" if sys('prlimit64', $pid, 7, 0, "\0" x 16) } 0 };

attempt 'abstract socket', sub { socket(my $s, AF_UNIX, SOCK_STREAM, 0) or return; connect($s, pack('S a*', AF_UNIX, "\0$socket")) && 'connected' };
attempt 'names of sockets', sub { open(my $f, '<', '/proc/net/unix') or return; my @seen = grep { /\Q$socket\E|tsstack/ } <$f>; @seen ? "@seen" : 0 };
attempt 'shared memory', sub { sys('shmget', $key, 0, 0) && 'found' };
attempt 'semaphores', sub { sys('semget', $key, 0, 0) && 'found' };
attempt 'message queue', sub { -e "/dev/mqueue/$queue" || sys('mq_open', $queue, 0, 0, 0) ? 'found' : 0 };
attempt '/dev/shm', sub { my @seen = glob('/dev/shm/*'); @seen ? "@seen" : 0 };

# -- netlink: what the kernel tells of the machine
sub netlink { my ($protocol, $groups) = @_; socket(my $s, 16, 3, $protocol) or return; bind($s, pack('SSII', 16, 0, 0, $groups)) or return; return $s }
sub ask { my ($s, $message) = @_; defined send($s, $message, 0) or return; my $ready = ''; vec($ready, fileno $s, 1) = 1; select($ready, undef, undef, 0.3) or do { $! = 11; return }; my $answer; recv($s, $answer, 65536, 0); my ($length, $type) = unpack('IS', $answer); if ($type == 2) { my $error = unpack('x16 i', $answer); $! = -$error; return $error == 0 ? 'accepted' : 0 } return "answer of type $type" }
attempt 'audit: its state', sub { my $s = netlink(9, 0) or return; ask($s, pack('ISSIIa40', 56, 1000, 5, 1, 0, '')) };
attempt 'audit: to switch it off', sub { my $s = netlink(9, 0) or return; ask($s, pack('ISSII IIa32', 56, 1001, 5, 1, 0, 1, 0)) };
attempt 'audit: its messages', sub { netlink(9, 1) && 'bound' };
attempt 'processes of the machine (connector)', sub { my $s = netlink(11, 1) or return; ask($s, pack('ISSII IIIISS I', 40, 3, 0, 0, $$, 1, 1, 0, 0, 4, 0, 1)) };
attempt 'nflog', sub { my $s = netlink(12, 0) or return; ask($s, pack('ISSII CCn SSC x3', 28, 0x401, 5, 1, 0, 2, 0, 5, 5, 1, 1)) };
attempt 'nftables', sub { my $s = netlink(12, 0) or return; my $got = ask($s, pack('ISSII CCn', 20, 0xa01, 0x301, 1, 0, 0, 0, 0)); $got && $got !~ /type 3$/ ? $got : 0 };
attempt 'a network interface', sub { my $s = netlink(0, 0) or return; ask($s, pack('ISSII CxSiII SS SSa6x2', 48, 16, 0x605, 1, 0, 0, 0, 0, 0, 0, 16, 18, 10, 1, 'bridge')) };
attempt 'sockets of the machine', sub { open(my $f, '<', '/proc/net/tcp') or return; my @seen = <$f>; @seen > 1 ? "@seen[1 .. $#seen]" : 0 };

print "done\n";

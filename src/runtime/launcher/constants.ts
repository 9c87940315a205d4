/** Numbers of the kernel's interface that are the same on every 64-bit architecture we support (include/uapi/linux). */

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;

/** fcntl.h; O_DIRECTORY and O_NOFOLLOW differ between architectures and are not used. */
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

/** openat2(2): a link cannot lead out of the directory that the path starts in. */
export const RESOLVE_IN_ROOT = 0x10;

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFREG = 0o100000;

export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_NOATIME = 0x400;
export const MS_NODIRATIME = 0x800;
export const MS_REC = 0x4000;
export const MS_PRIVATE = 0x40000;
export const MS_SLAVE = 0x80000;
export const MS_RELATIME = 0x200000;
export const MS_STRICTATIME = 0x1000000;
export const MNT_DETACH = 2;

export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = O_CLOEXEC;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
export const MOVE_MOUNT_T_SYMLINKS = 0x10;

export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
export const MOUNT_ATTR_IDMAP = 0x100000;

/** linux/mount.h, enum fsconfig_command. */
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_CMD_CREATE = 6;

export const CLONE_NEWTIME = 0x80;
export const CLONE_FILES = 0x400;
export const CLONE_VFORK = 0x4000;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

export const CLOSE_RANGE_CLOEXEC = 4;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
/** Highest descriptor number there can be, for close_range(2). */
export const LAST_DESCRIPTOR = 0xffffffff;

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_SET_SECUREBITS = 28;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** _LINUX_CAPABILITY_VERSION_3 */
export const CAPABILITY_VERSION = 0x20080522;
export const SECCOMP_SET_MODE_FILTER = 1;

export const SIG_SETMASK = 2;
export const SIGKILL = 9;
export const SIGCHLD = 17;
export const SIGSTOP = 19;
export const LAST_SIGNAL = 64;
/** Size of the kernel's sigset_t in bytes. */
export const SIGSET_SIZE = 8;

/** linux/socket.h, linux/net.h */
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
/** linux/keyctl.h */
export const KEYCTL_JOIN_SESSION_KEYRING = 1;

/** asm-generic/ioctls.h */
export const TIOCSCTTY = 0x540e;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGPTPEER = 0x5441;

export const EPERM = 1;
export const ENOENT = 2;
export const EBADF = 9;
export const EACCES = 13;
export const EFAULT = 14;
export const EEXIST = 17;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const EROFS = 30;
export const ENOSYS = 38;

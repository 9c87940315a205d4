"""list-tree.py ROOT: every path below ROOT and ROOT itself as JSON, by its path (bytes as latin1), with all that a program
can see of it: type, mode, owner, time in nanoseconds, device numbers, target, size, digest of the content, extended
attributes, the first path of the same inode, and how many bytes of it are on the disk."""
import hashlib
import json
import os
import stat
import sys

TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'char',
         stat.S_IFBLK: 'block', stat.S_IFIFO: 'fifo', stat.S_IFSOCK: 'socket'}


def describe(path, name, inodes):
    info = os.lstat(path)
    kind = TYPES[stat.S_IFMT(info.st_mode)]
    found = {'type': kind, 'mode': oct(stat.S_IMODE(info.st_mode)), 'owner': f'{info.st_uid}:{info.st_gid}',
             'mtimeNs': str(info.st_mtime_ns),
             'xattrs': {attribute: os.getxattr(path, attribute, follow_symlinks=False).hex()
                        for attribute in sorted(os.listxattr(path, follow_symlinks=False))}}
    if kind in ('char', 'block'):
        found['device'] = f'{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}'
    if kind == 'symlink':
        found['target'] = os.readlink(path).decode('latin1')
    if kind == 'file':
        with open(path, 'rb') as file:
            found['sha256'] = hashlib.file_digest(file, 'sha256').hexdigest()
        found['size'] = info.st_size
        found['onDisk'] = info.st_blocks * 512
    if kind != 'directory':
        found['sameAs'] = inodes.setdefault((info.st_dev, info.st_ino), name)
        found['links'] = info.st_nlink
    return found


def main():
    root = os.fsencode(sys.argv[1])
    found, inodes = {'': describe(root, '', {})}, {}
    for directory, directories, files in os.walk(root):
        directories.sort()
        for each in sorted(directories + files):
            path = os.path.join(directory, each)
            name = os.path.relpath(path, root).decode('latin1')
            found[name] = describe(path, name, inodes)
    json.dump(found, sys.stdout)


main()

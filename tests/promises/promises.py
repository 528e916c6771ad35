#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""promises.py MOUNTPOINT MANUAL [EXCEPT] - what pourfs(7) promises, one promise a test.

A test is a function: its section in the manual is named by @promise, its words
are its docstring. Each works in a folder of its own, D. The bucket is looked at
through curl (S3_CURL, see lib.sh). Prints "ok NAME" or "not ok NAME", and fails
if a section of the manual has no test. EXCEPT is one that the server cannot keep.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse

MOUNT, MANUAL = os.path.realpath(sys.argv[1]), sys.argv[2]
TTL = 1  # as the mount has it
MB = 1 << 20
D = ""  # the folder of the test that runs
tests = []
libc = ctypes.CDLL(None, use_errno=True)


def promise(section):
    def note(function):
        tests.append((section, function))
        return function

    return note


# ------------------------------------------------------------------- helpers


def path(name):
    return os.path.join(D, name)


def key(name):
    return os.path.relpath(path(name), MOUNT) + "/" * name.endswith("/")


def curl(name, *arguments):
    """A signed request for the object: its body or headers; None if there is none."""
    # In the URL the access key may have a colon, as Swift's do.
    url = "%s:%s@" % tuple(urllib.parse.quote(os.environ["AWS_" + of], safe="")
                           for of in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    url = "%s/%s/%s" % (os.environ["AWS_ENDPOINT_URL"].replace("//", "//" + url), os.environ["BUCKET"],
                        urllib.parse.quote(key(name), safe="/~"))
    done = subprocess.run(
        ["curl", "-sS", "--fail-with-body", "--noproxy", "*",
         "--aws-sigv4", "aws:amz:%s:s3" % os.environ["AWS_REGION"],
         "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments, url],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def in_bucket(name):
    return curl(name)


def headers(name):
    text = curl(name, "-I")
    return text and dict(line.lower().split(": ", 1)
                         for line in text.decode().splitlines() if ": " in line)


def put(name, body=b"theirs", *arguments):
    """By another client; returns when what was known before is not believed any more."""
    assert curl(name, "-X", "PUT", "--data-binary", body.decode(), *arguments) is not None
    time.sleep(TTL + 0.1)


def write(name, body, how="wb"):
    with open(path(name), how, buffering=0) as f:
        for at in range(0, len(body), MB):
            f.write(body[at:at + MB])


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def fails(number, call, *arguments):
    try:
        call(*arguments)
    except OSError as e:
        assert e.errno == number, "%s, not %s" % (errno.errorcode[e.errno], errno.errorcode[number])
    else:
        raise AssertionError("it should have failed with " + errno.errorcode[number])


def eventually(true, seconds=10):
    end = time.time() + seconds
    while not true():
        assert time.time() < end, "still not true"
        time.sleep(0.1)


def child(function, *arguments):
    """Runs it in another process; its exit status."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = function(*arguments) or 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fallocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), "fallocate")


def renameat2(old, new, flags):
    if libc.renameat2(-100, path(old).encode(), -100, path(new).encode(), flags):
        raise OSError(ctypes.get_errno(), "renameat2")


noise = os.urandom(13 * MB)

# --------------------------------------------------------------------- write


@promise("write")
def any_offset():
    """Takes bytes at any offset. Bytes never written are zeros."""
    with open(path("f"), "wb", buffering=0) as f:
        os.pwrite(f.fileno(), b"end", 9 * MB)
        os.pwrite(f.fileno(), b"begin", 3)
    assert read("f") == in_bucket("f") == b"\0\0\0begin" + bytes(9 * MB - 8) + b"end"


@promise("write")
def header_again():
    """A part in memory may be written again; the first part is the last to leave memory."""
    with open(path("f.bin"), "wb", buffering=0) as f:
        f.write(noise)
        os.pwrite(f.fileno(), b"patched", 0)
    assert in_bucket("f.bin") == b"patched" + noise[7:]


@promise("write")
def append_mode():
    """With O_APPEND, bytes go to the end as it is then, whoever else writes."""
    a, b = (os.open(path("f"), os.O_WRONLY | os.O_APPEND | os.O_CREAT) for _ in "ab")
    for i in range(10):
        os.write(a, b"a%d" % i)
        os.write(b, b"b%d" % i)
    os.close(a)
    os.close(b)
    assert in_bucket("f") == b"".join(b"a%db%d" % (i, i) for i in range(10))


# --------------------------------------------------------------------- close


@promise("close")
def whole_when_closed():
    """When close has returned 0 the object is in the bucket, whole."""
    write("small", b"small")
    assert in_bucket("small") == b"small"
    write("large.bin", noise)
    assert in_bucket("large.bin") == noise


@promise("close")
def old_or_new():
    """The object under the name is the old one whole or the new one whole."""
    write("f", b"old")
    with open(path("f"), "wb", buffering=0) as f:
        f.write(noise)
        assert in_bucket("f") == b"old"
    assert in_bucket("f") == noise


@promise("close")
def last_process_publishes():
    """A close by another process reports any error so far and sends nothing."""
    f = open(path("f"), "wb", buffering=0)
    f.write(b"one")
    assert child(f.close) == 0
    assert in_bucket("f") is None
    f.write(b"two")
    f.close()
    assert in_bucket("f") == b"onetwo"


@promise("close")
def killed_process():
    """A process that is killed closes its files like any other."""
    def die():
        f = open(path("f"), "wb", buffering=0)
        f.write(b"last words")
        os.kill(os.getpid(), signal.SIGKILL)

    assert child(die) == -signal.SIGKILL
    eventually(lambda: in_bucket("f") == b"last words")


@promise("close")
def exclusive_loses():
    """O_EXCL: what another client has made meanwhile stays, and close says EEXIST."""
    fd = os.open(path("f"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"ours")
    put("f")
    fails(errno.EEXIST, os.close, fd)
    assert in_bucket("f") == b"theirs"


# --------------------------------------------------------------------- fsync


@promise("fsync")
def fsync_small():
    """A file of one part is published by fsync."""
    with open(path("f"), "wb", buffering=0) as f:
        f.write(b"durable")
        os.fsync(f.fileno())
        assert in_bucket("f") == b"durable"


@promise("fsync")
def fsync_by_another():
    """Through any descriptor of the file: sync(1) opens it for reading."""
    with open(path("f"), "wb", buffering=0) as f:
        f.write(b"durable")
        subprocess.run(["sync", path("f")], check=True)
        assert in_bucket("f") == b"durable"
        f.write(b", all of it")
        fd = os.open(path("f"), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        assert in_bucket("f") == b"durable, all of it"


@promise("fsync")
def fsync_attributes():
    """A change of attributes is stored too."""
    write("f", b"x")
    os.chmod(path("f"), 0o640)
    fd = os.open(path("f"), os.O_RDONLY)
    os.fsync(fd)
    assert headers("f")["x-amz-meta-mode"] == str(0o100640)
    os.close(fd)


# ---------------------------------------------------------------------- open


@promise("open")
def truncation_when_published():
    """O_TRUNC takes effect when the file is published."""
    write("f", b"old")
    fd = os.open(path("f"), os.O_WRONLY | os.O_TRUNC)
    assert in_bucket("f") == b"old"
    os.close(fd)
    assert in_bucket("f") == b""


@promise("open")
def seen_while_written():
    """A program that opens a file being written sees what was written so far."""
    with open(path("f"), "wb", buffering=0) as f:
        f.write(b"so far")
        assert read("f") == b"so far"
        assert os.stat(path("f")).st_size == 6


@promise("open")
def existing_object():
    """An existing object can be written at any offset and appended to."""
    put("f", b"0123456789")
    with open(path("f"), "r+b", buffering=0) as f:
        os.pwrite(f.fileno(), b"x", 5)
        os.pwrite(f.fileno(), b"end", 10)
    assert in_bucket("f") == b"01234x6789end"


@promise("open")
def missing_and_present():
    """ENOENT for what is not there, EEXIST with O_EXCL for what is, EISDIR, ENOTDIR."""
    fails(errno.ENOENT, os.open, path("f"), os.O_RDONLY)
    write("f", b"")
    fails(errno.EEXIST, os.open, path("f"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    fails(errno.EISDIR, os.open, D, os.O_WRONLY)
    fails(errno.ENOTDIR, os.open, path("f/g"), os.O_RDONLY)


# ------------------------------------------------------- truncate, fallocate


@promise("truncate, ftruncate")
def truncate_up_and_down():
    """Up and down, by path and by descriptor."""
    write("f", noise)
    os.truncate(path("f"), 10 * MB + 1)
    assert in_bucket("f") == noise[:10 * MB + 1]
    with open(path("f"), "r+b", buffering=0) as f:
        os.ftruncate(f.fileno(), 5)
        os.ftruncate(f.fileno(), 8)
    assert in_bucket("f") == noise[:5] + b"\0\0\0"


@promise("fallocate")
def allocation():
    """Without a mode: sets the size. KEEP_SIZE: does nothing. Others: EOPNOTSUPP."""
    with open(path("f"), "w+b", buffering=0) as f:
        fallocate(f.fileno(), 0, 0, 1000)
        assert os.fstat(f.fileno()).st_size == 1000
        fallocate(f.fileno(), 1, 0, 5000)
        assert os.fstat(f.fileno()).st_size == 1000
        fails(errno.EOPNOTSUPP, fallocate, f.fileno(), 8, 0, 1000)
    assert in_bucket("f") == bytes(1000)


@promise("fallocate")
def holes():
    """PUNCH_HOLE and ZERO_RANGE: the bytes become zeros."""
    write("f", b"x" * 1000)
    with open(path("f"), "r+b", buffering=0) as f:
        fallocate(f.fileno(), 3, 10, 20)
        fallocate(f.fileno(), 16, 990, 20)
    assert in_bucket("f") == b"x" * 10 + bytes(20) + b"x" * 960 + bytes(20)


# ----------------------------------------------------- copy_file_range, lseek


@promise("copy_file_range")
def copy_range():
    """From a file that nobody is writing: the service copies the range."""
    write("from", noise)
    with open(path("from"), "rb") as a, open(path("to"), "wb") as b:
        done = 0
        while done < 12 * MB:
            n = os.copy_file_range(a.fileno(), b.fileno(), 12 * MB - done, MB + done, done)
            assert n > 0
            done += n
    assert in_bucket("to") == noise[MB:]


@promise("lseek")
def seek_holes():
    """SEEK_DATA and SEEK_HOLE know the holes of a file being written; an object has none."""
    with open(path("f"), "w+b", buffering=0) as f:
        os.pwrite(f.fileno(), b"x", 20 * MB)
        assert os.lseek(f.fileno(), 0, os.SEEK_HOLE) == 0
        assert 0 < os.lseek(f.fileno(), 0, os.SEEK_DATA) <= 20 * MB
        fails(errno.ENXIO, os.lseek, f.fileno(), 21 * MB, os.SEEK_DATA)
    with open(path("f"), "rb", buffering=0) as f:
        assert os.lseek(f.fileno(), 0, os.SEEK_DATA) == 0
        assert os.lseek(f.fileno(), 0, os.SEEK_HOLE) == 20 * MB + 1


# ---------------------------------------------------------------------- read


@promise("read")
def one_version():
    """If another client replaces it in the bucket, the reader gets ESTALE."""
    write("f", noise)
    with open(path("f"), "rb", buffering=0) as f:
        assert os.pread(f.fileno(), 10, 0) == noise[:10]
        put("f", b"y" * 1000)
        fails(errno.ESTALE, os.pread, f.fileno(), 10, 9 * MB)


@promise("read")
def replaced_through_the_mount():
    """If another program replaces it through the mount, the new version is read."""
    write("f", noise)
    with open(path("f"), "rb", buffering=0) as f:
        assert os.pread(f.fileno(), 10, 0) == noise[:10]
        write("f", noise[::-1])
        eventually(lambda: os.pread(f.fileno(), 10, 9 * MB) == noise[::-1][9 * MB:9 * MB + 10])


@promise("read")
def at_the_end():
    """Nothing is there beyond the end."""
    write("f", b"abc")
    with open(path("f"), "rb", buffering=0) as f:
        assert os.pread(f.fileno(), 10, 2) == b"c"
        assert os.pread(f.fileno(), 10, 3) == b""


# -------------------------------------------------------------------- rename


@promise("rename")
def rename_keeps_metadata():
    """All its metadata goes with it; the type that came from its extension follows."""
    put("f.txt", b"x", "-H", "content-type: text/plain", "-H", "x-amz-meta-own: kept",
        "-H", "cache-control: max-age=7")
    os.rename(path("f.txt"), path("f.json"))
    assert in_bucket("f.txt") is None
    now = headers("f.json")
    assert now["x-amz-meta-own"] == "kept" and now["cache-control"] == "max-age=7"
    assert now["content-type"] == "application/json"


@promise("rename")
def rename_over():
    """Over an existing file: that is replaced, and its readers read on."""
    write("old", b"old")
    write("new", b"new")
    with open(path("old"), "rb", buffering=0) as reader:
        os.rename(path("new"), path("old"))
        assert os.pread(reader.fileno(), 10, 0) == b"old"
    assert read("old") == in_bucket("old") == b"new" and in_bucket("new") is None


@promise("rename")
def rename_flags():
    """RENAME_NOREPLACE is honoured; RENAME_EXCHANGE is EINVAL."""
    write("a", b"a")
    write("b", b"b")
    fails(errno.EEXIST, renameat2, "a", "b", 1)
    fails(errno.EINVAL, renameat2, "a", "b", 2)
    renameat2("a", "c", 1)
    assert in_bucket("c") == b"a" and in_bucket("b") == b"b"


@promise("rename")
def rename_while_written():
    """A file that is being written has the new name at once, and is published under it."""
    with open(path("a"), "wb", buffering=0) as f:
        f.write(noise)
        os.rename(path("a"), path("b"))
        assert os.listdir(D) == ["b"]
        f.write(b"more")
    assert in_bucket("b") == noise + b"more" and in_bucket("a") is None


@promise("rename")
def rename_directory():
    """A directory with all that is below it; nothing of the old name stays."""
    os.makedirs(path("a/b/empty"))
    write("a/f", b"f")
    write("a/b/g", noise)
    os.rename(path("a"), path("z"))
    assert os.listdir(D) == ["z"]
    assert read("z/f") == b"f" and read("z/b/g") == noise and os.listdir(path("z/b/empty")) == []
    assert in_bucket("a/f") is None and in_bucket("a/b/g") is None


@promise("rename")
def rename_of_directories_is_bound():
    """ENOTEMPTY, ENOTDIR, EISDIR and EINVAL, as for any file system."""
    os.makedirs(path("a/sub"))
    os.makedirs(path("full/sub"))
    os.mkdir(path("empty"))
    write("f", b"")
    fails(errno.ENOTEMPTY, os.rename, path("a"), path("full"))
    fails(errno.ENOTDIR, os.rename, path("a"), path("f"))
    fails(errno.EISDIR, os.rename, path("f"), path("empty"))
    fails(errno.EINVAL, os.rename, path("a"), path("a/sub/a"))
    os.rename(path("a"), path("empty"))
    assert sorted(os.listdir(D)) == ["empty", "f", "full"]


# -------------------------------------------------------------------- unlink


@promise("unlink")
def unlink_deletes():
    """Deletes the object."""
    write("f", b"x")
    os.unlink(path("f"))
    assert in_bucket("f") is None
    fails(errno.ENOENT, os.unlink, path("f"))
    os.mkdir(path("d"))
    fails(errno.EISDIR, os.unlink, path("d"))


@promise("unlink")
def unlinked_while_open():
    """Programs that have it open read on; of a file being written nothing is published."""
    write("f", noise)
    with open(path("f"), "rb", buffering=0) as f:
        os.unlink(path("f"))
        assert os.pread(f.fileno(), 10, 12 * MB) == noise[12 * MB:12 * MB + 10]
    with open(path("g"), "w+b", buffering=0) as g:
        g.write(b"nothing of this")
        os.unlink(path("g"))
        g.write(b" stays")
        assert os.pread(g.fileno(), 100, 0) == b"nothing of this stays"
    assert in_bucket("f") is None and in_bucket("g") is None


# -------------------------------------------------------------- mkdir, rmdir


@promise("mkdir, rmdir")
def directories_are_markers():
    """A directory is an empty object whose key ends in a slash."""
    os.mkdir(path("d"))
    assert in_bucket("d/") == b""
    fails(errno.EEXIST, os.mkdir, path("d"))
    os.rmdir(path("d"))
    assert in_bucket("d/") is None
    fails(errno.ENOENT, os.rmdir, path("d"))
    write("f", b"")
    fails(errno.ENOTDIR, os.rmdir, path("f"))


@promise("mkdir, rmdir")
def rmdir_asks_the_service():
    """rmdir refuses a directory that is not empty on the service."""
    os.mkdir(path("d"))
    assert os.listdir(path("d")) == []
    put("d/theirs")
    fails(errno.ENOTEMPTY, os.rmdir, path("d"))


@promise("mkdir, rmdir")
def implied_directories():
    """Directories that exist only because keys below them do are shown too, and stay."""
    put("a/b/c")
    assert os.listdir(path("a/b")) == ["c"]
    os.unlink(path("a/b/c"))
    assert os.listdir(path("a/b")) == []
    os.rmdir(path("a/b"))
    os.rmdir(path("a"))
    assert os.listdir(D) == []


# ---------------------------------------------------------------- attributes


@promise("chmod, chown, utimensat")
def attributes_at_once_and_stored():
    """A change shows at once, and is in the object's metadata a moment later."""
    write("f", b"x")
    if not os.geteuid():
        os.chown(path("f"), 1234, 4321)
    os.chmod(path("f"), 0o4751)
    os.utime(path("f"), ns=(2 * 10**18 + 7, 10**18 + 123456789))
    st = os.stat(path("f"))
    assert stat.S_IMODE(st.st_mode) == 0o4751 and st.st_mtime_ns == 10**18 + 123456789
    eventually(lambda: headers("f").get("x-amz-meta-mtime") == "1000000000.123456789")
    now = headers("f")
    assert now["x-amz-meta-mode"] == str(st.st_mode)
    assert (now["x-amz-meta-uid"], now["x-amz-meta-gid"]) == (str(st.st_uid), str(st.st_gid))


@promise("chmod, chown, utimensat")
def attributes_of_directories():
    """The same for directories."""
    os.mkdir(path("d"), 0o700)
    os.utime(path("d"), (5, 10**9))
    eventually(lambda: headers("d/").get("x-amz-meta-mtime") == "1000000000")
    assert headers("d/")["x-amz-meta-mode"] == str(0o40700)


@promise("chmod, chown, utimensat")
def time_before_1970():
    """Times before 1970 are kept."""
    write("f", b"")
    os.utime(path("f"), ns=(-5 * 10**8, -5 * 10**8))
    assert os.stat(path("f")).st_mtime_ns == -5 * 10**8
    eventually(lambda: headers("f").get("x-amz-meta-mtime") == "-0.500000000")


@promise("access")
def only_programs_are_run():
    """The owner of the mount may do everything, but for running what is no program."""
    write("f", b"#!/bin/sh\n")
    os.chmod(path("f"), 0)
    assert os.access(path("f"), os.R_OK | os.W_OK) and not os.access(path("f"), os.X_OK)
    os.chmod(path("f"), 0o100)
    assert os.access(path("f"), os.X_OK) and os.access(D, os.X_OK)


# ------------------------------------------------------------- stat, readdir


@promise("stat")
def true_size():
    """The true size, also of a file being written; st_blocks in units of 512 bytes."""
    with open(path("f"), "wb", buffering=0) as f:
        f.write(b"x" * 1025)
        st = os.stat(path("f"))
        assert st.st_size == 1025 and st.st_blocks == 3 and st.st_nlink == 1


@promise("stat")
def steady_inodes():
    """Inode numbers stay the same as long as the file is known."""
    write("f", b"x")
    first = os.stat(path("f")).st_ino
    os.listdir(D)
    os.rename(path("f"), path("g"))
    write("g", b"y")
    assert os.stat(path("g")).st_ino == first


@promise("readdir")
def names_and_hidden_ones():
    """Our own names at once; .pourfs in the root is not shown, and reserved."""
    assert ".pourfs" not in os.listdir(MOUNT)
    fails(errno.EPERM, os.rmdir, os.path.join(MOUNT, ".pourfs"))
    for i in range(50):
        write(str(i), b"")
    assert sorted(os.listdir(D), key=int) == [str(i) for i in range(50)]
    for i in range(0, 50, 2):
        os.unlink(path(str(i)))
    assert sorted(os.listdir(D), key=int) == [str(i) for i in range(1, 50, 2)]


@promise("readdir")
def file_and_prefix():
    """A key that is also a prefix is shown as a directory; the file is there after it."""
    put("x", b"file")
    put("x/y", b"inside")
    assert os.listdir(path("x")) == ["y"]
    os.unlink(path("x/y"))
    os.rmdir(path("x"))
    assert read("x") == b"file"


@promise("readdir")
def seekdir():
    """A position that telldir gave leads back to the same entry."""
    for i in range(300):
        os.symlink("t", path("%03d" % i))
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.telldir.restype = ctypes.c_long
    d = ctypes.c_void_p(libc.opendir(D.encode()))
    seen = []
    while True:
        at = libc.telldir(d)
        entry = libc.readdir(d)
        if not entry:
            break
        seen.append((at, ctypes.string_at(entry + 19)))
    assert len(seen) == 302
    for at, name in reversed(seen):
        libc.seekdir(d, ctypes.c_long(at))
        assert ctypes.string_at(libc.readdir(d) + 19) == name
    libc.closedir(d)


# ------------------------------------------------- links, special files, ...


@promise("symlink, readlink")
def symbolic_links():
    """A link is an object whose body is the target."""
    os.symlink("some/where", path("l"))
    assert os.readlink(path("l")) == "some/where"
    st = os.lstat(path("l"))
    assert stat.S_ISLNK(st.st_mode) and st.st_size == 10
    assert in_bucket("l") == b"some/where"
    fails(errno.EEXIST, os.symlink, "x", path("l"))
    fails(errno.ENOENT, os.stat, path("l"))
    os.rename(path("l"), path("m"))
    assert os.readlink(path("m")) == "some/where"


@promise("link")
def no_hard_links():
    """Hard links are refused with the error that makes programs do without."""
    write("f", b"x")
    try:
        os.link(path("f"), path("g"))
    except OSError as e:
        assert e.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV)
    else:
        raise AssertionError("a hard link was made")
    assert os.listdir(D) == ["f"]


@promise("mknod")
def special_files():
    """FIFOs and sockets; devices are EPERM."""
    os.mkfifo(path("fifo"), 0o640)
    assert stat.S_ISFIFO(os.stat(path("fifo")).st_mode)
    s = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(D)
    s.bind("socket")
    os.chdir(here)
    assert stat.S_ISSOCK(os.stat(path("socket")).st_mode)
    fails(errno.EPERM, os.mknod, path("null"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(path("plain"), stat.S_IFREG | 0o600)
    assert in_bucket("plain") == b""


@promise("setxattr, getxattr, listxattr, removexattr")
def attributes_of_users():
    """user.* are kept with the object; others are EOPNOTSUPP."""
    write("f", b"x")
    os.setxattr(path("f"), "user.a", b"\0\xff")
    os.setxattr(path("f"), "user.b", b"")
    assert os.getxattr(path("f"), "user.a") == b"\0\xff"
    assert sorted(os.listxattr(path("f"))) == ["user.a", "user.b"]
    fails(errno.EEXIST, os.setxattr, path("f"), "user.a", b"", os.XATTR_CREATE)
    fails(errno.ENODATA, os.setxattr, path("f"), "user.c", b"", os.XATTR_REPLACE)
    os.removexattr(path("f"), "user.b")
    fails(errno.ENODATA, os.getxattr, path("f"), "user.b")
    fails(errno.ENOSPC, os.setxattr, path("f"), "user.large", b"x" * 2048)
    fails(errno.EOPNOTSUPP, os.setxattr, path("f"), "trusted.a", b"")
    assert os.listxattr(path("f")) == ["user.a"]


@promise("setxattr, getxattr, listxattr, removexattr")
def attributes_of_the_object():
    """user.s3.* tell of the object; they are not listed and cannot be set."""
    write("f.txt", b"x")
    assert os.getxattr(path("f.txt"), "user.s3.etag") == headers("f.txt")["etag"].strip('"').encode()
    assert os.getxattr(path("f.txt"), "user.s3.content-type") == b"text/plain"
    assert os.getxattr(path("f.txt"), "user.s3.key") == key("f.txt").encode()
    assert os.listxattr(path("f.txt")) == []
    fails(errno.EPERM, os.setxattr, path("f.txt"), "user.s3.etag", b"")


@promise("statfs")
def no_size():
    """A bucket has no size: 1 PiB free."""
    st = os.statvfs(MOUNT)
    assert st.f_bavail * st.f_frsize == 1 << 50 and st.f_namemax == 255 and st.f_ffree > 0


@promise("fcntl, flock")
def advisory_locks():
    """Advisory locks hold among the programs of this machine."""
    def other(call):
        def attempt():
            with open(path("f"), "r+b") as f:
                try:
                    call(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return 3
        return child(attempt)

    write("f", b"x")
    for call in (fcntl.flock, fcntl.lockf):
        with open(path("f"), "r+b") as f:
            call(f, fcntl.LOCK_EX)
            assert other(call) == 3
            call(f, fcntl.LOCK_UN)
            assert other(call) == 0


@promise("mmap")
def maps():
    """For reading, of a file that nobody writes; of one open for writing private ones only."""
    write("f", noise)
    with open(path("f"), "rb") as f:
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            with mmap.mmap(f.fileno(), 0, flags, mmap.PROT_READ) as m:
                assert m[:] == noise
    with open(path("f"), "r+b") as f:
        fails(errno.ENODEV, mmap.mmap, f.fileno(), 0, mmap.MAP_SHARED)


@promise("Staging")
def read_back():
    """A part that is not in memory can be read and patched, if the file is staged."""
    with open(path("f"), "w+b", buffering=0) as f:
        for _ in range(10):
            f.write(noise)
        assert os.pread(f.fileno(), 100, 20 * MB) == noise[7 * MB:7 * MB + 100]
        os.pwrite(f.fileno(), b"patched", 15 * MB)
    expected = bytearray(noise * 10)
    expected[15 * MB:15 * MB + 7] = b"patched"
    assert in_bucket("f") == expected


@promise("Staging")
def wrong_guess():
    """Otherwise S3 has no way to it: EOPNOTSUPP, and the file is not published."""
    fd = os.open(path("f.bin"), os.O_WRONLY | os.O_CREAT)
    for _ in range(10):
        os.write(fd, noise)
    fails(errno.EOPNOTSUPP, os.pwrite, fd, b"patched", 20 * MB)
    fails(errno.EOPNOTSUPP, os.close, fd)
    eventually(lambda: not os.path.exists(path("f.bin")))
    assert in_bucket("f.bin") is None


# ----------------------------------------------------------------------- run


def sections():
    with open(MANUAL) as f:
        return re.findall(r"^\.Ss (.*)$", f.read(), re.M)


def main():
    global D
    failed = 0
    for section, test in tests:
        if test.__name__ in sys.argv[3:]:
            continue
        D = os.path.join(MOUNT, test.__name__)
        os.mkdir(D)
        guard = threading.Timer(100, os.kill, (os.getpid(), signal.SIGKILL))
        guard.start()
        try:
            test()
            print("ok", test.__name__, flush=True)
        except BaseException:
            failed += 1
            traceback.print_exc()
            print("not ok %s: %s" % (test.__name__, test.__doc__), flush=True)
        guard.cancel()
    named = {section for section, _ in tests}
    for section in sections():
        if section not in named and section != "Large files":  # many_parts, stage_test
            failed += 1
            print("not ok: no test of the section", section)
    for section in named - set(sections()):
        failed += 1
        print("not ok: no such section:", section)
    sys.exit(failed != 0)


main()

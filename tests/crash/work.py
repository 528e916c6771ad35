#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# work.py MOUNTPOINT LOG SEED - works on files until it is killed or an operation
# fails, and notes in LOG what it was told: a line before each operation and one
# after it. A file's bytes follow from its tag: see content().
import json, os, random, sys, threading

ROOM = random.Random(1).randbytes(48 << 20)

def content(tag, size):
    """The bytes of a file: size of them, by its tag."""
    at = random.Random(tag).randrange(16 << 20)
    return ROOM[at:at + size]

class Work:
    def __init__(self, root, log, seed):
        # By a descriptor: when the mount is gone the folder below it is not to be filled.
        self.root, self.seed = os.open(root, os.O_PATH | os.O_DIRECTORY), seed
        if os.fstat(self.root).st_dev == os.stat(root + "/..").st_dev:
            sys.exit("nothing is mounted there")
        self.log, self.lock = open(log, "a", buffering=1), threading.Lock()

    def note(self, **what):
        with self.lock:
            self.log.write(json.dumps(what) + "\n")

    def write(self, name, tag, r):
        """A new file, in order, here and there made safe."""
        size = r.choice([r.randrange(1 << 20), r.randrange(30 << 20)])
        data, done = content(tag, size), 0
        self.note(op="write", name=name, tag=tag, size=size)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self.root)
        while done < size:
            done += os.write(fd, data[done:done + r.randrange(1, 1 << 20)])
            if r.random() < 0.08:
                os.fsync(fd)
                self.note(op="synced", name=name, size=done)
        os.close(fd)
        self.note(op="written", name=name)
        return size

    def patch(self, name, tag, size, r):
        """Some bytes of an object are replaced, and made safe."""
        at = r.randrange(size)
        n = min(size - at, r.randrange(1, 3 << 20))
        self.note(op="patch", name=name, tag=tag, at=at, size=n)
        fd = os.open(name, os.O_WRONLY, dir_fd=self.root)
        data, done = content(tag, n), 0
        while done < n:
            done += os.pwrite(fd, data[done:], at + done)
        os.fsync(fd)
        self.note(op="patch synced", name=name)
        os.close(fd)
        self.note(op="patched", name=name)

    def rename(self, old, new):
        self.note(op="rename", name=old, to=new)
        os.rename(old, new, src_dir_fd=self.root, dst_dir_fd=self.root)
        self.note(op="renamed", name=old, to=new)

    def folder(self, name, r):
        """A folder of small files, under one name after the other."""
        os.mkdir(name, dir_fd=self.root)
        for i in range(r.randrange(3, 25)):
            fd = os.open(f"{name}/{i}", os.O_WRONLY | os.O_CREAT, dir_fd=self.root)
            os.write(fd, content(f"{name}/{i}", 1000 + i))
            os.close(fd)
        self.note(op="folder", name=name, files=i + 1)
        for i in range(3):
            self.rename(f"{name}{'+' * i}", f"{name}{'+' * (i + 1)}")

    def run(self, who):
        r, n = random.Random(f"{self.seed} {who}"), 0
        try:
            while True:
                name, tag = f"{self.seed}-{who}-{n}", f"{self.seed}-{who}-{n}"
                n += 1
                if r.random() < 0.25:
                    self.folder(name, r)
                    continue
                size = self.write(name, tag, r)
                if size and r.random() < 0.5:
                    self.patch(name, tag + "p", size, r)
                if r.random() < 0.5:
                    self.rename(name, name + "r")
        except OSError as e:
            self.note(op="failed", who=who, error=e.errno)

if __name__ == "__main__":
    work = Work(*sys.argv[1:4])
    threads = [threading.Thread(target=work.run, args=(i,)) for i in range(3)]
    print("works", flush=True)
    for t in threads:
        t.start()
    for t in threads:
        t.join()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""table.py prepare|begin|run|after MOUNTPOINT FAULTS-DIR [ROWS] - each fault in each request of each action.

A row is an action of a program in a folder of its own, one kind of request that
it makes, and what goes wrong with that (server/faults). What the program saw is
held against what the bucket has, as the service itself says, and against what
the mount shows afterwards. prepare is for the time before there is a mount: what
has been listed is not looked for again. begin writes what a crash is to interrupt,
and says "begun" when all of it is synced; after recovers what could not be
recovered among the faults. run prints a table, a cell a row:

    ok      success, and the bucket has what it should
    ENAME   this error, and the bucket has what it had
    ENAME+  this error, and yet it was done, whole
    !...    a lie, damage, a hang, or an error where trying again helps

and fails if there is one of the last kind.
"""
import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
import urllib.parse

STEP, MOUNT, FAULTS = sys.argv[1:4]
ONLY = sys.argv[4] if len(sys.argv) > 4 else ""
LANES = 20
HANG_S = 75
SMALL, LARGE = 1000, 6 << 20  # one part, and two

# ---------------------------------------------------------------- the bucket


def curl(target, *arguments, data=None):
    """A signed request to the service itself; None if it says 404."""
    # In the URL the access key may have a colon, as Swift's do.
    keys = "%s:%s@" % tuple(urllib.parse.quote(os.environ["AWS_" + name], safe="")
                            for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    url = "%s/%s/%s" % (os.environ["AWS_ENDPOINT_URL"].replace("//", "//" + keys), os.environ["BUCKET"], target)
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code}",
         "--aws-sigv4", "aws:amz:%s:s3" % os.environ["AWS_REGION"],
         "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments, url],
        input=data, capture_output=True)
    status = done.stderr.decode()[-3:]
    if status == "404":
        return None
    assert done.returncode == 0 and status[0] == "2", (target, done.stderr, done.stdout[:300])
    return done.stdout


def bucket_get(key):
    return curl(urllib.parse.quote(key))


def bucket_put(key, data):
    curl(urllib.parse.quote(key), "-X", "PUT", "--data-binary", "@-", data=data)


def bucket_mode(key):
    for line in curl(urllib.parse.quote(key), "-I").decode().splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "x-amz-meta-mode":
            return int(value)
    return None


# ------------------------------------------------------------------- actions
#
# Each has a folder, prepares the bucket, does one thing through the mount, and
# judges what is there: "new", "old", or what is wrong.


def content(row, size):
    seed = hashlib.sha256(row.folder.encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


def read_all(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        data = b""
        while piece := os.read(fd, 1 << 20):
            data += piece
        return data
    finally:
        os.close(fd)


def write_all(path, flags, data):
    fd = os.open(path, os.O_WRONLY | flags, 0o644)
    try:
        at = 0
        while at < len(data):
            at += os.write(fd, data[at:at + (1 << 20)])
    finally:
        os.close(fd)


class Action:
    size, requests = SMALL, ()

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(MOUNT, folder)
        self.files = {}  # what the mount should show: name -> data or None
        self.data, self.got = content(self, self.size), None

    def put(self, name, data):
        bucket_put(f"{self.folder}/{name}", data)

    def get(self, name):
        return bucket_get(f"{self.folder}/{name}")

    def at(self, name):
        return os.path.join(self.path, name)

    def state(self, name, new, old):
        found = self.get(name)
        self.files[name] = found
        return "new" if found == new else "old" if found == old else "damaged"


class Overwrite(Action):
    flags, requests = os.O_TRUNC, ("Put",)

    def prepare(self):
        self.put("file", b"old" * 100)

    def act(self):
        write_all(self.at("file"), self.flags, self.data)

    def judge(self):
        return self.state("file", self.data, b"old" * 100)


class OverwriteLarge(Overwrite):
    size, requests = LARGE, ("Create", "Part", "Complete")


class Make(Overwrite):
    """Exclusively: a try that is repeated meets what the first one made."""
    flags = os.O_CREAT | os.O_EXCL

    def prepare(self):
        self.put("other", b"")

    def judge(self):
        return self.state("file", self.data, None)


class MakeLarge(Make):
    size, requests = LARGE, ("Complete",)


class Append(Action):
    size, requests = LARGE, ("PartCopy",)

    def prepare(self):
        self.put("file", self.data)

    def act(self):
        write_all(self.at("file"), os.O_APPEND, b"more")

    def judge(self):
        return self.state("file", self.data + b"more", self.data)


class Read(Action):
    requests = ("Get",)

    def prepare(self):
        self.put("file", self.data)

    def act(self):
        self.got = read_all(self.at("file"))

    def judge(self):
        return "new" if self.got in (None, self.data) else "read wrongly"


class ReadLarge(Read):
    size = LARGE


class Stat(Read):
    requests = ("Head",)

    def act(self):
        size = os.stat(self.at("file")).st_size
        self.got = self.data if size == len(self.data) else b"another size"


class List(Action):
    requests = ("List",)

    names = ["a", "b", "c"]

    def prepare(self):
        for name in self.names:
            self.put("sub/" + name, b"")

    def act(self):
        self.got = sorted(os.listdir(self.at("sub")))

    def judge(self):
        return "new" if self.got in (None, self.names) else "listed wrongly"


class Rename(Action):
    requests = ("Copy", "Delete")

    def prepare(self):
        self.put("from", self.data)

    def act(self):
        os.rename(self.at("from"), self.at("to"))

    def judge(self):
        states = [self.state(name, self.data, None) for name in ("from", "to")]
        if "damaged" in states or states == ["old", "old"]:
            return "damaged"
        return "new" if states == ["old", "new"] else "old"


class RenameFolder(Action):
    requests = ("List", "Copy", "DeleteMany")
    names = ("x", "y")

    def prepare(self):
        for name in self.names:
            self.put("from/" + name, self.data)

    def act(self):
        os.rename(self.at("from"), self.at("to"))

    def judge(self):
        states = [[self.state(f"{d}/{n}", self.data, None) for n in self.names] for d in ("from", "to")]
        if any("damaged" in s for s in states) or any(pair == ("old", "old") for pair in zip(*states)):
            return "damaged"
        return "new" if states == [["old", "old"], ["new", "new"]] else "old"


class Mkdir(Action):
    requests = ("Put",)

    def prepare(self):
        self.put("other", b"")

    def act(self):
        os.mkdir(self.at("dir"))

    def judge(self):
        found = self.get("dir/")
        return "new" if found == b"" else "old" if found is None else "damaged"


class Symlink(Mkdir):
    def act(self):
        os.symlink("target", self.at("link"))

    def judge(self):
        found = self.get("link")
        return "new" if found == b"target" else "old" if found is None else "damaged"


class Unlink(Action):
    requests = ("Delete",)

    def prepare(self):
        self.put("file", self.data)
        self.put("other", b"")

    def act(self):
        os.unlink(self.at("file"))

    def judge(self):
        return self.state("file", None, self.data)


class Chmod(Action):
    requests = ("Copy",)

    def prepare(self):
        self.put("file", self.data)

    def act(self):
        os.chmod(self.at("file"), 0o600)
        fd = os.open(self.at("file"), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def judge(self):
        if self.state("file", self.data, self.data) != "new":
            return "damaged"
        return "new" if bucket_mode(self.folder + "/file") == 0o100600 else "old"


class Recover(Action):
    """Of a file that was synced and never closed, before the mount was killed."""
    size, requests = LARGE, ("Parts", "Head", "Complete")

    def prepare(self):
        self.put("other", b"")

    def begin(self):
        self.fd = os.open(self.at("file"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(self.fd, self.data)
        os.fsync(self.fd)

    def act(self):
        options = f"endpoint={os.environ['FAULTY']},retry_time=5,stall_timeout=2,connect_timeout=2"
        done = subprocess.run([os.environ["POURFS"], "recover", "-o", options, os.environ["BUCKET"], self.folder + "/file"],
                              capture_output=True)
        if done.returncode:
            print(f"{self.folder}: {done.stderr.decode()}{done.stdout.decode()}")
            raise OSError(errno.EIO, "")

    def judge(self):
        found = self.get("file")
        return "new" if found == self.data else "old" if found is None else "damaged"


ACTIONS = (Overwrite, OverwriteLarge, Make, MakeLarge, Append, Read, ReadLarge, Stat, List,
           Rename, RenameFolder, Mkdir, Symlink, Unlink, Chmod, Recover)

# -------------------------------------------------------------------- faults

CHANGES = ("Put", "Create", "Part", "PartCopy", "Complete", "Copy", "Delete", "DeleteMany")
UP = ("Put", "Part", "Complete", "DeleteMany")  # have a body
XML = ("Create", "Complete", "Copy", "PartCopy", "List", "DeleteMany", "Parts")
# Copies and completions may be silent for half a minute, even with this stall_timeout.
QUICK = ("Put", "Create", "Part", "Delete", "DeleteMany", "Get", "Head", "List", "Parts")
LATE = ("Copy", "PartCopy", "Complete", "DeleteMany")  # a 200 may be an error

# Fault, what it needs, and the requests that it is for, if not all.
PLACES = ("before", "request", "done", "answer")
ONCE = [(f"{fault} at={place}", None) for fault in ("drop", "reset") for place in PLACES]
ONCE += [(f"stall at={place}", QUICK) for place in PLACES]
ONCE += [("delay=1 at=done", None), ("drip=up", UP), ("drip=down", ("Get", "List")), ("flip=up", UP)]
ONCE += [(f"status={s}", None) for s in (408, 429, 500, 502, 503)]
ONCE += [("status=409:OperationAborted", CHANGES), ("status=500 at=done", None), ("status=503 at=done", CHANGES)]
ONCE += [("status=503 at=request", UP), ("status=400:RequestTimeout", UP)]
ONCE += [("error=InternalError", LATE), ("error=SlowDown at=done", LATE)]
PASSING = [(fault + " once", requests) for fault, requests in ONCE]
LASTING = [("status=403", None), ("status=400", None), ("status=503", None), ("drop", None), ("reset at=request", None),
           ("error=AccessDenied", LATE)]
# A lost answer, and then what services say to one who asks again.
TWICE = [
    (("drop at=done once", "status=412"), ("Make/Put", "MakeLarge/Complete", "Mkdir/Put", "Symlink/Put")),
    (("drop at=done once", "status=404:NoSuchUpload"), ("OverwriteLarge/Complete", "MakeLarge/Complete")),
    (("drop at=done once", "status=500"), ("OverwriteLarge/Complete", "MakeLarge/Complete")),
    (("drop at=done once", "status=404:NoSuchKey"), ("Unlink/Delete", "Rename/Delete")),
    (("drop at=done once", "status=412"), ("Chmod/Copy",)),
]
# What may be an error or not, but no lie.
STRANGE = [("status=404 once", ("Put", "Create", "Part", "PartCopy", "Complete", "Copy", "Get", "Head")),
           ("status=409 once", CHANGES), ("status=412 once", CHANGES),
           ("status=501 once", ("Create", "Part", "PartCopy", "Delete")),  # of others it is remembered
           ("error=InternalError once", ("Put", "Part", "Create")),
           ("etag once", ("Put", "Part", "PartCopy", "Complete", "Copy", "Get", "Head")),
           ("length=10 once", XML + ("Put", "Part", "Get")), ("length=-10 once", XML + ("Get",)),
           ("endless once", XML + ("Put", "Part", "Get"))]
STRANGE += [(f"xml={kind} once", XML) for kind in ("huge", "cut", "entities", "deep")]

# All of the first two kinds are for these; the rest have what is not the same code for all.
FULL = ("Overwrite/Put", "OverwriteLarge/Part", "OverwriteLarge/Complete", "Read/Get", "Rename/Copy")
CORE = ("drop at=before", "drop at=done", "drop at=answer", "reset at=request", "stall at=done", "flip=up", "status=503",
        "status=500 at=done", "error=InternalError", "error=SlowDown at=done", "status=403", "drop", "error=AccessDenied")


class Row:
    def __init__(self, n, action, request, faults, kind):
        self.folder, self.action, self.request, self.faults, self.kind = f"r{n}", action, request, faults, kind
        self.cell = "!hangs, or was not run"
        self.name = " then ".join(faults)
        self.column = f"{action.__name__}/{request}"

    def rules(self):
        return [f"{self.request} {fault} key=^{self.folder}/" for fault in self.faults]

    def prepare(self):
        self.action(self.folder).prepare()

    def run(self):
        try:
            action = self.action(self.folder)
            seen = 0
            try:
                action.act()
            except OSError as e:
                seen = e.errno
            self.cell = self.verdict(action, seen)
        except Exception as e:  # of the test itself, or of the bucket
            self.cell = f"!{type(e).__name__} {e}"

    def verdict(self, action, seen):
        state = action.judge()
        name = errno.errorcode.get(seen, str(seen))
        if state not in ("new", "old"):
            return f"!{name if seen else 'ok'}, {state}"
        if not seen and state == "old":
            return "!ok, but not done"
        if seen and self.kind in ("passing", "twice"):
            return f"!{name}, although a retry helps" + (", and done" if state == "new" else "")
        if not seen and self.kind == "lasting":
            return "!ok, but everything failed"
        if (self.kind, self.request) == ("lasting", "List"):
            action.files.clear()  # still cannot be looked up
        for file, data in action.files.items():
            shown = self.shown(action.at(file), data)
            if shown != data:
                what = shown if shown is None or isinstance(shown, str) else f"{len(shown)} bytes"
                have = data if data is None else f"{len(data)} bytes"
                return f"!{name if seen else 'ok'}, and {file} is {have}, but the mount shows {what}"
        if not self.met():
            return "!the fault was never met"
        return "ok" if not seen else name + "+" * (state == "new" and type(action) not in (Read, ReadLarge, Stat, List))

    # An error stays until the file is released, a little later than it is closed;
    # and a reader may find out that what was believed of the object is wrong.
    def shown(self, path, wanted):
        end = time.monotonic() + 15
        while True:
            try:
                found = read_all(path)
            except FileNotFoundError:
                found = None
            except OSError as e:
                found = errno.errorcode[e.errno]
            if found == wanted or time.monotonic() > end:
                return found
            time.sleep(0.1)

    def met(self):
        with open(os.path.join(FAULTS, "log")) as f:
            return any(f" fault {self.request} {self.folder}/" in line for line in f)


def rows():
    n = 0
    found = []
    for action in ACTIONS:
        for request in action.requests:
            column = f"{action.__name__}/{request}"
            for kind, faults in (("passing", PASSING), ("lasting", LASTING), ("strange", STRANGE)):
                for fault, requests in faults:
                    core = kind == "strange" or column in FULL or fault.removesuffix(" once") in CORE
                    if core and (requests is None or request in requests):
                        found.append((action, request, (fault,), kind))
            for faults, columns in TWICE:
                if column in columns:
                    found.append((action, request, faults, "twice"))
    for n, what in enumerate(found):
        yield Row(n, *what)


def side_by_side(todo, step):
    """All of them; false if one hangs."""
    todo, running = list(reversed(todo)), {}

    def lane():
        while todo:
            row = todo.pop()
            running[row] = time.monotonic()
            step(row)
            del running[row]

    lanes = [threading.Thread(target=lane, daemon=True) for _ in range(LANES)]
    for one in lanes:
        one.start()
    while any(one.is_alive() for one in lanes):
        time.sleep(0.1)
        if any(time.monotonic() - began > HANG_S for began in list(running.values())):
            return False
    return not running


def print_table(all_rows):
    columns = list(dict.fromkeys(r.column for r in all_rows))
    for column in columns:
        print(f"table: {column}")
        cells = {}
        for row in all_rows:
            if row.column == column:
                cells.setdefault((row.kind, row.cell), []).append(row.name)
        for (kind, cell), names in cells.items():
            print(f"table:   {cell:8} {', '.join(names)}")


def begin(all_rows):
    actions = [r.action(r.folder) for r in all_rows if r.action is Recover]
    for action in actions:
        action.begin()
    print("begun", flush=True)
    time.sleep(HANG_S)


def after(all_rows):
    for row in all_rows:
        action = row.action(row.folder)
        if row.action is not Recover or action.judge() == "new":
            continue
        action.act()
        if action.judge() != "new":
            sys.exit(f"not recovered in the end: {row.folder} {row.column} with {row.name}")


def main():
    all_rows = [r for r in rows() if ONLY in f"{r.column} {r.name}"]
    if STEP == "prepare":
        assert side_by_side(all_rows, Row.prepare)
        return
    if STEP in ("begin", "after"):
        (begin if STEP == "begin" else after)(all_rows)
        return
    with open(os.path.join(FAULTS, "rules.new"), "w") as f:
        for row in all_rows:
            f.write("".join(rule + "\n" for rule in row.rules()))
    os.rename(os.path.join(FAULTS, "rules.new"), os.path.join(FAULTS, "rules"))
    whole = side_by_side(all_rows, Row.run)
    print_table(all_rows)
    wrong = [r for r in all_rows if r.cell[0] == "!"]
    for row in wrong:
        print(f"not ok {row.folder} {row.column} with {row.name}: {row.cell[1:]}")
    print(f"{len(all_rows)} rows, {len(wrong)} of them wrong")
    sys.stdout.flush()
    os._exit(1 if wrong or not whole else 0)  # whatever hangs


main()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench.py [--runs N] [--work NAME,...] [--programs NAME,...] [--size MB] [--far] [--json FILE] [--plot FOLDER]
bench.py --growth - how fast, at what cost.

Each round does each piece of work by each program that is there, in turn, over the
same server: so what the machine does meanwhile strikes all of them. The figures are
medians of the rounds; those that count are the ratios. The programs:

    raw      eight curls at once that move the same bytes as objects: what this server
             and this machine can do without a filesystem
    layer    the S3 layer of pourfs alone (layer.c): the same requests, signed the
             same way, without a filesystem; curl leaves the bytes unsigned
    tmpfs    the program by itself (ffmpeg that records): a folder in memory
    pourfs   as make has built it
    s3fs rclone goofys geesefs mount-s3    the peers, as far as they are installed,
             with what the work needs of them switched on (rclone: a cache on disk)
    sink     pourfs over a service that answers at once and keeps nothing (sink.c):
             what it costs itself
    line     the same, 50 ms away, on a line of 125 MB/s (1 Gbit/s)
    NAME.far pourfs and the peers where each request to the server takes 50 ms more,
             for the work that is a matter of names (with --far: it takes its time)

Some upload after close() has returned: what is compared counts until the bucket has
it all; "close s" is how long close() took.

--growth: files of 1, 10 and 100 GB and directories of 1,000, 10,000 and 100,000 names
over a sink, to see whether what a part or a name costs stays the same.
"""
import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.join(os.path.dirname(TESTS), "build")
BUCKET = "bench"
POURFS = [os.path.join(BUILD, "pourfs"), "-f"]
TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
PEERS = ("s3fs", "rclone", "goofys", "geesefs", "mount-s3")
FRAMES = 300  # that ffmpeg records, 30 a second
FILES, FILE_SIZE = 500, 4096  # of work with small files

# ------------------------------------------------------------------- services


class Gateway:
    LOOK = "list-type=2&max-keys=999&prefix="  # as nobody else asks

    def __init__(self, folder, size):
        """With room for a few files of size; when it has none, uploads hang."""
        self.folder = os.path.join(folder, "gateway")
        done = self.command("start", "--size", f"{4 + 6 * size // (1 << 30)}G")
        self.env = dict(line.split("=", 1) for line in done.splitlines() if "=" in line)
        self.host = self.env["AWS_ENDPOINT_URL"].partition("//")[2]

    def command(self, what, *arguments):
        return subprocess.run([os.path.join(TESTS, "server/gateway"), what, self.folder, *arguments],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

    def s3cmd(self, *arguments):
        subprocess.run(["s3cmd", "-q", "--no-ssl", "--access_key=" + self.env["AWS_ACCESS_KEY_ID"],
                        "--secret_key=" + self.env["AWS_SECRET_ACCESS_KEY"], "--host=" + self.host,
                        "--host-bucket=" + self.host, *arguments], check=True)

    def curl(self, target, *arguments):
        return ["curl", "-sSf", "--noproxy", "*", "--aws-sigv4", f"aws:amz:{self.env['AWS_REGION']}:s3",
                "-u", self.env["AWS_ACCESS_KEY_ID"] + ":" + self.env["AWS_SECRET_ACCESS_KEY"],
                "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments, f"{self.env['AWS_ENDPOINT_URL']}/{BUCKET}{target}"]

    def clear(self, prefix):
        """The server has room for a few large files, and gives it back some seconds later."""
        if self.stored(prefix) != (0, 0):
            self.s3cmd("rm", "-r", "--force", f"s3://{BUCKET}/{prefix}")

    def stored(self, prefix):
        """How many files are below it, and their bytes."""
        done = subprocess.run(self.curl(f"?{self.LOOK}{urllib.parse.quote(prefix, safe='')}"), check=True, stdout=subprocess.PIPE)
        tree = xml.etree.ElementTree.fromstring(done.stdout)
        space = tree.tag[:tree.tag.index("}") + 1]
        sizes = [int(o.findtext(space + "Size")) for o in tree.iter(space + "Contents")
                 if not o.findtext(space + "Key").endswith("/")]
        return len(sizes), sum(sizes)

    def wait_for(self, prefix, files, size):
        """Until it is all there. Returns when: what the first look finds was there before it."""
        began = time.monotonic()
        if self.stored(prefix) == (files, size):
            return began
        while self.stored(prefix) != (files, size):
            if time.monotonic() > began + 120:
                raise RuntimeError(f"of {prefix} {self.stored(prefix)} is stored, not {(files, size)}")
            time.sleep(0.05)
        return time.monotonic()

    def position(self):
        return int(self.command("position"))

    def requests(self, since):
        return sum(self.LOOK not in line for line in self.command("requests", str(since)).splitlines())

    def stop(self):
        self.command("stop")


class Far:
    """The gateway, 50 ms away."""

    def __init__(self, gateway, folder):
        self.gateway, self.folder = gateway, os.path.join(folder, "far")
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "rules"), "w") as f:
            f.write("* delay=0.05\n")
        self.process = subprocess.Popen([os.path.join(TESTS, "server/faults"), gateway.env["AWS_ENDPOINT_URL"], self.folder],
                                        stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[1]
        self.env = dict(gateway.env, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
        self.wait_for, self.position, self.requests = gateway.wait_for, gateway.position, gateway.requests

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Sink:
    """It lists nothing of what is stored, and counts no requests."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests/bench/sink"), *arguments], stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[1]
        self.env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything"}

    def wait_for(self, prefix, files, size):
        return time.monotonic()

    def position(self):
        return None

    def stop(self):
        self.process.terminate()
        self.process.wait()


# ------------------------------------------------------------------- programs


class Mount:
    """A program that mounts the bucket. Its own files are in folder, on a disk."""

    def __init__(self, name, service, command, folder):
        self.name, self.service, self.command, self.folder = name, service, command, folder
        self.at = os.path.join(folder, "mnt")

    def __enter__(self):
        os.makedirs(self.at, exist_ok=True)
        shutil.rmtree(os.path.join(self.folder, "cache"), ignore_errors=True)
        env = dict(os.environ, HOME=self.folder, XDG_STATE_HOME=self.folder, **self.service.env)
        env.pop("AWS_CA_BUNDLE", None)
        with open(os.path.join(self.folder, self.name + ".log"), "a") as log:
            self.process = subprocess.Popen(self.command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while not os.path.ismount(self.at):
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise RuntimeError("it does not mount")
            time.sleep(0.02)
        self.cpu_before = self.cpu()
        self.position = self.service.position()
        return self.at

    def __exit__(self, *_):
        if os.path.ismount(self.at) and subprocess.run(["fusermount3", "-u", self.at]).returncode:
            subprocess.run(["fusermount3", "-uz", self.at])
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}") as f:
            return f.read()

    def cpu(self):
        fields = self.proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def field(self, file, name):
        return int(next(line for line in self.proc(file).splitlines() if line.startswith(name)).split()[1])

    def costs(self):
        found = {"CPU s": self.cpu() - self.cpu_before, "peak MB": self.field("status", "VmHWM:") / 1000,
                 "disk MB": self.field("io", "write_bytes:") / 1e6}
        if self.position is not None:
            found["requests"] = self.service.requests(self.position)
        return found


def find_programs(folder, service, ending=""):
    url, access, secret = (service.env[n] for n in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    passwd = os.path.join(folder, "passwd-s3fs")
    with open(os.open(passwd, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"{access}:{secret}\n")
    at, cache = os.path.join(folder, "mnt"), os.path.join(folder, "cache")
    remote = f":s3,provider=Ceph,access_key_id={access},secret_access_key={secret},endpoint='{url}':{BUCKET}"
    commands = {
        "pourfs": POURFS + [BUCKET, at],
        "s3fs": ["s3fs", BUCKET, at, "-f", "-o", f"passwd_file={passwd},url={url},use_path_request_style,tmpdir={folder}"],
        "rclone": ["rclone", "mount", "--vfs-cache-mode=writes", "--cache-dir=" + cache, remote, at],
        "goofys": ["goofys", "-f", "--endpoint", url, BUCKET, at],
        "geesefs": ["geesefs", "-f", "--endpoint", url, BUCKET, at],
        "mount-s3": ["mount-s3", "-f", "--allow-delete", "--allow-overwrite", "--force-path-style", "--endpoint-url", url,
                     BUCKET, at],
    }
    return [Mount(name + ending, service, command, folder) for name, command in commands.items() if shutil.which(command[0])]


# ----------------------------------------------------------------------- work
#
# Each piece of work gets the mountpoint, a name that is new, Data and the service. It
# returns its figures, "MB/s" or "/s" first.


class Data:
    """Local bytes, in memory."""

    def __init__(self, folder, size):
        self.size = size
        self.file = os.path.join(folder, "data")
        self.pieces = [f"{self.file}.{i}" for i in range(8)]
        self.tree = os.path.join(folder, "tree")
        with open(self.file, "wb") as f:
            for piece in self.pieces:
                bytes_ = os.urandom(size // 8)
                f.write(bytes_)
                with open(piece, "wb") as to:
                    to.write(bytes_)
        for i in range(FILES):
            os.makedirs(f"{self.tree}/{i % 10}", exist_ok=True)
            with open(f"{self.tree}/{i % 10}/{i}", "wb") as f:
                f.write(os.urandom(FILE_SIZE))

    def put(self, mount):
        """What is read and listed, by whatever program."""
        with mount as at:
            shutil.copyfile(self.file, os.path.join(at, "read"))
            for i, piece in enumerate(self.pieces[:4]):
                shutil.copyfile(piece, os.path.join(at, f"read.{i}"))
            if isinstance(mount.service, Gateway):
                shutil.copytree(self.tree, os.path.join(at, "listed"))


def forget_pages():
    if os.access("/proc/sys/vm/drop_caches", os.W_OK):
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")


def write_in(size):
    def work(at, name, data, service):
        began = time.monotonic()
        with open(data.file, "rb", buffering=0) as f, open(os.path.join(at, name), "wb", buffering=0) as to:
            while piece := f.read(size):
                to.write(piece)
            written = time.monotonic()
        closed = time.monotonic()
        stored = service.wait_for(name, 1, data.size)
        return {"MB/s": data.size / (stored - began) / 1e6, "close s": closed - written}
    return work


def write_eight(at, name, data, service):
    began = time.monotonic()
    copies = [subprocess.Popen(["dd", "if=" + piece, f"of={at}/{name}.{i}", "bs=1M", "status=none"])
              for i, piece in enumerate(data.pieces)]
    if any([c.wait() for c in copies]):
        raise RuntimeError("dd failed")
    stored = service.wait_for(name, 8, data.size)
    return {"MB/s": data.size / (stored - began) / 1e6}


def read_one(at, name, data, service):
    forget_pages()
    began = time.monotonic()
    with open(os.path.join(at, "read"), "rb", buffering=0) as f:
        f.read(1)
        first = time.monotonic()
        n = 1
        while piece := f.read(MIB):
            n += len(piece)
    if n != data.size:
        raise RuntimeError(f"{n} bytes were read")
    return {"MB/s": n / (time.monotonic() - began) / 1e6, "first byte ms": 1000 * (first - began)}


def read_four(at, name, data, service):
    forget_pages()
    began = time.monotonic()
    copies = [subprocess.Popen(["dd", f"if={at}/read.{i}", "of=/dev/null", "bs=1M", "status=none"]) for i in range(4)]
    if any([c.wait() for c in copies]):
        raise RuntimeError("dd failed")
    return {"MB/s": data.size / 2 / (time.monotonic() - began) / 1e6}


def read_at_random(size, count):
    def work(at, name, data, service):
        forget_pages()
        places = random.Random(size)
        began = time.monotonic()
        with open(os.path.join(at, "read"), "rb", buffering=0) as f:
            for _ in range(count):
                if len(os.pread(f.fileno(), size, places.randrange(data.size // size) * size)) != size:
                    raise RuntimeError("a read was short")
        return {"/s": count / (time.monotonic() - began)}
    return work


def copy_inside(at, name, data, service):
    began = time.monotonic()
    subprocess.run(["cp", os.path.join(at, "read"), os.path.join(at, name)], check=True)
    stored = service.wait_for(name, 1, data.size)
    return {"MB/s": data.size / (stored - began) / 1e6}


def read_and_write(at, name, data, service):
    """One file is read and another is written, as by who remuxes; dd asks for no copy by the service."""
    forget_pages()
    began = time.monotonic()
    subprocess.run(["dd", f"if={at}/read", f"of={at}/{name}", "bs=256K", "status=none"], check=True)
    stored = service.wait_for(name, 1, data.size)
    return {"MB/s": data.size / (stored - began) / 1e6}


def record(at, name, data, service):
    """As from a camera: so many frames a second, until it is closed."""
    began = time.monotonic()
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=30:duration={FRAMES // 30}",
                    "-c:v", "mpeg2video", "-q:v", "1", os.path.join(at, name + ".mkv")], check=True)
    return {"/s": FRAMES / (time.monotonic() - began)}


def small_files(at, name, data, service):
    folder, bytes_ = os.path.join(at, name), os.urandom(FILE_SIZE)
    os.mkdir(folder)
    began = time.monotonic()
    for i in range(FILES):
        with open(os.path.join(folder, str(i)), "wb") as f:
            f.write(bytes_)
    stored = service.wait_for(name + "/", FILES, FILES * FILE_SIZE)
    return {"/s": FILES / (stored - began)}


def rsync_small(at, name, data, service):
    began = time.monotonic()
    subprocess.run(["rsync", "-a", data.tree + "/", f"{at}/{name}/"], check=True)
    stored = service.wait_for(name + "/", FILES, FILES * FILE_SIZE)
    return {"/s": FILES / (stored - began)}


def empty_files(at, name, data, service):
    """Made, looked at, renamed and removed."""
    folder = os.path.join(at, name)
    files = [os.path.join(folder, str(i)) for i in range(FILES)]
    os.mkdir(folder)
    began = time.monotonic()
    for file in files:
        with open(file, "wb"):
            pass
    for file in files:
        os.stat(file)
    for file in files:
        os.rename(file, file + ".renamed")
    for file in files:
        os.unlink(file + ".renamed")
    stored = service.wait_for(name + "/", 0, 0)
    return {"/s": 4 * FILES / (stored - began)}


def move_tree(at, name, data, service):
    shutil.copytree(data.tree, os.path.join(at, name))
    service.wait_for(name + "/", FILES, FILES * FILE_SIZE)
    began = time.monotonic()
    os.rename(os.path.join(at, name), os.path.join(at, name + ".moved"))
    stored = service.wait_for(name + ".moved/", FILES, FILES * FILE_SIZE)
    return {"/s": FILES / (stored - began)}


def list_long(at, name, data, service):
    began = time.monotonic()
    done = subprocess.run(["ls", "-lR", os.path.join(at, "listed")], check=True, stdout=subprocess.PIPE, text=True)
    if done.stdout.count("\n-") < FILES:
        raise RuntimeError("not all files are listed")
    return {"/s": FILES / (time.monotonic() - began)}


WORK = {
    "write-4K": write_in(4 << 10),
    "write-32K": write_in(32 << 10),
    "write-128K": write_in(128 << 10),
    "write-1M": write_in(MIB),
    "write-eight": write_eight,
    "read": read_one,
    "read-four": read_four,
    "random-4K": read_at_random(4 << 10, 300),
    "random-1M": read_at_random(MIB, 100),
    "read-write": read_and_write,
    "record": record,
    "copy": copy_inside,
    "small": small_files,
    "rsync": rsync_small,
    "empty": empty_files,
    "move-tree": move_tree,
    "list": list_long,
}
NEEDS_NAMES = ("copy", "small", "rsync", "empty", "move-tree", "list")  # which a sink does not have


class Layer:
    name = "layer"

    def __init__(self, gateway):
        self.env = dict(os.environ, **gateway.env)
        self.env.pop("AWS_CA_BUNDLE", None)

    def run(self, *arguments):
        before, began = os.times(), time.monotonic()
        subprocess.run([os.path.join(BUILD, "tests/bench/layer"), arguments[0], BUCKET, *arguments[1:]], env=self.env, check=True)
        took, after = time.monotonic() - began, os.times()
        return took, after.children_user + after.children_system - before.children_user - before.children_system

    def do(self, work, name, data):
        if work.startswith("write"):
            took, cpu = self.run("put", name, data.file)
        elif work in ("read", "read-four"):
            took, cpu = self.run("get", "read", str(data.size))
        else:
            return None
        return {"MB/s": data.size / took / 1e6, "CPU s/GiB": cpu / (data.size / (1 << 30))}


class Local:
    """A folder in memory, for what a program does by itself."""
    name = "tmpfs"

    def __init__(self, folder):
        self.folder = folder

    def do(self, work, name, data):
        if work != "record":
            return None
        figures = record(self.folder, name, data, None)
        os.unlink(os.path.join(self.folder, name + ".mkv"))
        return figures


class Raw:
    """Eight curls, for the work that is a matter of bytes."""
    name = "raw"

    def __init__(self, gateway):
        self.gateway = gateway

    def curls(self, name, arguments):
        began = time.monotonic()
        all_ = [subprocess.Popen(self.gateway.curl(f"/{name}.{i}", "-o", "/dev/null", *a)) for i, a in enumerate(arguments)]
        if any([c.wait() for c in all_]):
            raise RuntimeError("curl failed")
        return time.monotonic() - began

    def do(self, work, name, data):
        if work.startswith("write"):
            return {"MB/s": data.size / self.curls(name, [["-T", piece] for piece in data.pieces]) / 1e6}
        if work in ("read", "read-four"):
            self.curls(name, [["-T", piece] for piece in data.pieces])
            return {"MB/s": data.size / self.curls(name, [[] for _ in data.pieces]) / 1e6}
        return None


def do(program, work, name, data):
    if isinstance(program, (Raw, Layer, Local)):
        return program.do(work, name, data)
    if isinstance(program.service, Sink if work in NEEDS_NAMES else Far):
        return None
    with program as at:
        figures = WORK[work](at, name, data, program.service)
        figures.update(program.costs())
    if "MB/s" in figures:
        figures["CPU s/GiB"] = figures.pop("CPU s") / (data.size / (1 << 30))
    return figures


def rounds_of(work, programs, runs, data, gateway):
    """name -> the figures of its rounds."""
    found = {p.name: [] for p in programs}
    for n in range(runs):
        first = n % len(programs)  # nobody always comes after the same one
        for program in programs[first:] + programs[:first]:
            if found[program.name] is None:
                continue
            name = f"{work}-{program.name}-{n}"
            try:
                figures = do(program, work, name, data)
            except subprocess.SubprocessError as e:  # its text has the keys
                print(f"{work}: {program.name} is left out: {e.cmd[0]} failed", file=sys.stderr)
                figures = None
            except (RuntimeError, OSError) as e:
                print(f"{work}: {program.name} is left out: {e}", file=sys.stderr)
                figures = None
            if figures:
                found[program.name].append(figures)
            else:
                found[program.name] = None
            gateway.clear(name)
    return {name: rounds for name, rounds in found.items() if rounds}


# -------------------------------------------------------------------- results


def medians(rounds):
    return {name: {figure: statistics.median(r[figure] for r in all_) for figure in all_[0]} for name, all_ in rounds.items()}


def speed_of(figures):
    return "MB/s" if "MB/s" in figures else "/s"


def show(work, results):
    columns = list(dict.fromkeys(c for figures in results.values() for c in figures))
    rows = [[work] + columns] + [[name] + [f"{f[c]:.4g}" if c in f else "" for c in columns] for name, f in results.items()]
    for row in rows:
        print(row[0].ljust(12) + "".join(cell.rjust(14) for cell in row[1:]))
    for ours, others in ("pourfs", ("raw", "layer", "tmpfs") + PEERS), ("pourfs.far", [name + ".far" for name in PEERS]):
        if ours in results:
            speed = speed_of(results[ours])
            print(f"{ours} to " + ", ".join(f"{name}: {results[ours][speed] / results[name][speed]:.2f}"
                                            for name in others if name in results))
    print(flush=True)


def plot(folder, work, results):
    os.makedirs(folder, exist_ok=True)
    at = os.path.join(folder, work)
    speed = speed_of(next(iter(results.values())))
    with open(at + ".dat", "w") as f:
        f.writelines(f'"{name}" {figures[speed]}\n' for name, figures in results.items())
    script = f"""set terminal svg; set output '{at}.svg'; set title '{work}'; set ylabel '{speed}'
set style fill solid; set boxwidth 0.6; set yrange [0:*]; unset key
plot '{at}.dat' using 0:2:xtic(1) with boxes"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def grow(folder, services):
    at, piece = os.path.join(folder, "mnt"), bytes(MIB)
    services.append(Sink())
    print("GB             s/GB  CPU s/GB   peak MB")
    for size in 1, 10, 100:
        with (mount := Mount("grown", services[-1], POURFS + ["-o", "no_list", BUCKET, at], folder)):
            began = time.monotonic()
            with open(os.path.join(at, "file"), "wb", buffering=0) as f:
                for _ in range(size * 1000000000 // MIB):
                    f.write(piece)
            took, costs = time.monotonic() - began, mount.costs()
        print(f"{size:<10}{took / size:>9.3f}{costs['CPU s'] / size:>10.3f}{costs['peak MB']:>10.1f}", flush=True)
    print("names   us/name, listed  us/name, long  CPU us/name   peak MB")
    for names in 1000, 10000, 100000:
        services.append(Sink("-n", str(names)))
        with (mount := Mount("grown", services[-1], POURFS + [BUCKET, at], folder)):
            took = []
            for option in "-U", "-lU":
                began = time.monotonic()
                done = subprocess.run(["ls", option, os.path.join(at, "names")], check=True, stdout=subprocess.PIPE)
                took.append((time.monotonic() - began) / names * 1e6)
                if done.stdout.count(b"\n") < names:
                    raise RuntimeError("not all names are listed")
            costs = mount.costs()
        print(f"{names:<10}{took[0]:>13.2f}{took[1]:>15.1f}{costs['CPU s'] / names * 1e6:>13.1f}{costs['peak MB']:>10.1f}", flush=True)


def measure(given, folder, memory, services):
    gateway = Gateway(memory, given.size * MIB)
    services.append(gateway)
    gateway.s3cmd("mb", f"s3://{BUCKET}")
    data = Data(memory, given.size * MIB // 8 * 8)
    programs = [Raw(gateway), Layer(gateway), Local(memory), *find_programs(folder, gateway)]
    for name, arguments in ("sink", []), ("line", ["-l", "50", "-b", "125"]):
        services.append(Sink(*arguments))
        programs.append(Mount(name, services[-1], POURFS + ["-o", "no_list", BUCKET, os.path.join(folder, "mnt")], folder))
    if given.far:
        services.insert(0, Far(gateway, folder))
        programs += find_programs(folder, services[0], ".far")
    for program in programs:
        if program.name in ("pourfs", "sink", "line"):
            data.put(program)
    if given.programs:
        wanted = given.programs.split(",")
        if missing := set(wanted) - {p.name for p in programs}:
            raise SystemExit(f"there is no {', '.join(missing)} here; there is {', '.join(p.name for p in programs)}")
        programs = [p for p in programs if p.name in wanted]
    all_rounds = {}
    for work in given.work.split(","):
        all_rounds[work] = rounds_of(work, programs, given.runs, data, gateway)
        show(work, medians(all_rounds[work]))
        if given.json:
            with open(given.json, "w") as f:
                json.dump(all_rounds, f, indent=2)
        if given.plot:
            plot(given.plot, work, medians(all_rounds[work]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--programs", help="only these")
    parser.add_argument("--size", type=int, default=512, help="MB of a large file")
    parser.add_argument("--far", action="store_true", help="a server 50 ms away, too")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--json", help="the figures, all rounds of them")
    parser.add_argument("--plot", help="a folder for a plot of each work (gnuplot)")
    given = parser.parse_args()
    unknown = set(given.work.split(",")) - set(WORK)
    if unknown:
        parser.error(f"no such work: {', '.join(unknown)}; there is {', '.join(WORK)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    services = []
    with tempfile.TemporaryDirectory(prefix="pourfs-bench.") as folder, \
            tempfile.TemporaryDirectory(prefix="pourfs-bench.", dir="/dev/shm") as memory:
        try:
            if given.growth:
                grow(folder, services)
            else:
                measure(given, folder, memory, services)
        finally:
            for service in services:
                service.stop()


main()

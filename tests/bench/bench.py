#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench.py [--runs N] [--work NAME,...] [--size MB] [--json FILE] [--plot FOLDER] - how fast, at what cost.

Each round does each piece of work by each program that is there, in turn, over the
same server: so what the machine does meanwhile strikes all of them. The figures are
medians of the rounds; those that count are the ratios. The programs:

    raw      eight curls at once that move the same bytes as objects: what this server
             and this machine can do without a filesystem
    pourfs   as make has built it
    s3fs rclone goofys geesefs mount-s3    the peers, as far as they are installed,
             with what the work needs of them switched on (rclone: a cache on disk)
    sink     pourfs over a service that answers at once and keeps nothing (sink.c):
             what it costs itself
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TESTS = os.path.dirname(HERE)
BUILD = os.path.join(os.path.dirname(TESTS), "build")
BUCKET = "bench"
TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20

# ------------------------------------------------------------------- services


class Gateway:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "gateway")
        done = self.command("start", "--size", "8G")
        self.env = dict(line.split("=", 1) for line in done.splitlines() if "=" in line)
        self.host = self.env["AWS_ENDPOINT_URL"].partition("//")[2]
        self.s3cmd("mb", f"s3://{BUCKET}")

    def command(self, what, *arguments):
        return subprocess.run([os.path.join(TESTS, "server/gateway"), what, self.folder, *arguments],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

    def s3cmd(self, *arguments):
        subprocess.run(["s3cmd", "-q", "--no-ssl", "--access_key=" + self.env["AWS_ACCESS_KEY_ID"],
                        "--secret_key=" + self.env["AWS_SECRET_ACCESS_KEY"], "--host=" + self.host,
                        "--host-bucket=" + self.host, *arguments], check=True)

    def forget(self):
        self.s3cmd("rm", "-r", "--force", f"s3://{BUCKET}")

    def position(self):
        return int(self.command("position"))

    def requests(self, since):
        return len(self.command("requests", str(since)).splitlines())

    def stop(self):
        self.command("stop")


class Sink:
    def __init__(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests/bench/sink"), "-n", "100000"],
                                        stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[1]
        self.env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything"}

    def forget(self):
        pass

    def position(self):
        return 0

    def requests(self, since):
        return 0  # it does not count

    def stop(self):
        self.process.terminate()
        self.process.wait()


# ------------------------------------------------------------------- programs


class Mount:
    """A program that mounts the bucket. prepare() makes what it wants to be told by files."""

    def __init__(self, name, service, command, folder, prepare=None):
        self.name, self.service, self.command, self.folder = name, service, command, folder
        self.at = os.path.join(folder, "mnt")
        os.makedirs(self.at, exist_ok=True)
        if prepare:
            prepare()

    def __enter__(self):
        env = dict(os.environ, HOME=self.folder, XDG_STATE_HOME=self.folder, **self.service.env)
        with open(os.path.join(self.folder, self.name + ".log"), "a") as log:
            self.process = subprocess.Popen(self.command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while not os.path.ismount(self.at):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not mount; see {log.name}")
            time.sleep(0.02)
        self.cpu_before = self.cpu()
        self.position = self.service.position()
        return self.at

    def __exit__(self, *_):
        subprocess.run(["fusermount3", "-u", self.at], check=True)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
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
        return {"CPU s": self.cpu() - self.cpu_before, "peak MB": self.field("status", "VmHWM:") / 1000,
                "disk MB": self.field("io", "write_bytes:") / 1e6,
                "requests": self.service.requests(self.position)}


def find_programs(folder, gateway, sink):
    url, access, secret = (gateway.env[n] for n in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    passwd = os.path.join(folder, "passwd-s3fs")
    with open(os.open(passwd, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"{access}:{secret}\n")
    at = os.path.join(folder, "mnt")
    remote = (f":s3,provider=Ceph,access_key_id={access},secret_access_key={secret},"
              f"endpoint='{url}':{BUCKET}")
    commands = {
        "s3fs": ["s3fs", BUCKET, at, "-f", "-o", f"passwd_file={passwd},url={url},use_path_request_style"],
        "rclone": ["rclone", "mount", "--vfs-cache-mode=writes", "--cache-dir=" + os.path.join(folder, "rclone"), remote, at],
        "goofys": ["goofys", "-f", "--endpoint", url, BUCKET, at],
        "geesefs": ["geesefs", "-f", "--endpoint", url, BUCKET, at],
        "mount-s3": ["mount-s3", "-f", "--allow-delete", "--allow-overwrite", "--force-path-style", "--endpoint-url", url, BUCKET, at],
    }
    pourfs = [os.path.join(BUILD, "pourfs"), "-f", BUCKET, at]
    yield Mount("pourfs", gateway, pourfs, folder)
    for name, command in commands.items():
        if shutil.which(name):
            yield Mount(name, gateway, command, folder)
    yield Mount("sink", sink, pourfs, folder)


# ----------------------------------------------------------------------- work
#
# Each piece of work gets a folder to work in and what it needs from Data, and
# returns its figures: "MB/s" or "/s", and what else is worth knowing.


class Data:
    """Local bytes, in memory."""

    def __init__(self, folder, size):
        self.size = size
        self.file = os.path.join(folder, "data")
        self.folder = folder
        with open(self.file, "wb") as f:
            for _ in range(size // MIB):
                f.write(os.urandom(MIB))
        self.pieces = []
        for i in range(8):
            piece = f"{self.file}.{i}"
            with open(self.file, "rb") as f, open(piece, "wb") as to:
                f.seek(i * size // 8)
                to.write(f.read(size // 8))
            self.pieces.append(piece)


def forget_pages():
    if os.access("/proc/sys/vm/drop_caches", os.W_OK):
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")


def write_in(size):
    def work(at, data):
        began = time.monotonic()
        with open(data.file, "rb", buffering=0) as f:
            to = os.open(os.path.join(at, "file"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            while piece := f.read(size):
                os.write(to, piece)
            written = time.monotonic()
            os.close(to)
        closed = time.monotonic()
        return {"MB/s": data.size / (closed - began) / 1e6, "close s": closed - written}
    return work


def write_eight(at, data):
    began = time.monotonic()
    copies = [subprocess.Popen(["dd", "if=" + piece, f"of={at}/eight.{i}", "bs=1M", "status=none"])
              for i, piece in enumerate(data.pieces)]
    if any([c.wait() for c in copies]):
        raise RuntimeError("dd failed")
    return {"MB/s": data.size / (time.monotonic() - began) / 1e6}


def read_one(at, data):
    path = os.path.join(at, "read")
    if not os.path.exists(path):
        shutil.copyfile(data.file, path)
    forget_pages()
    began = time.monotonic()
    f = os.open(path, os.O_RDONLY)
    os.read(f, 1)
    first = time.monotonic()
    os.lseek(f, 0, os.SEEK_SET)
    n = 0
    while piece := os.read(f, MIB):
        n += len(piece)
    os.close(f)
    return {"MB/s": n / (time.monotonic() - began) / 1e6, "first byte ms": 1000 * (first - began)}


def small_files(at, data):
    folder = os.path.join(at, f"small-{time.monotonic_ns()}")
    os.mkdir(folder)
    bytes_, n = os.urandom(4096), 500
    began = time.monotonic()
    for i in range(n):
        with open(os.path.join(folder, str(i)), "wb") as f:
            f.write(bytes_)
    return {"/s": n / (time.monotonic() - began)}


def rsync_small(at, data):
    source = os.path.join(data.folder, "tree")
    if not os.path.exists(source):
        for i in range(500):
            os.makedirs(f"{source}/{i % 10}", exist_ok=True)
            with open(f"{source}/{i % 10}/{i}", "wb") as f:
                f.write(os.urandom(4096))
    began = time.monotonic()
    subprocess.run(["rsync", "-a", source + "/", f"{at}/rsync-{time.monotonic_ns()}/"], check=True)
    return {"/s": 500 / (time.monotonic() - began)}


def list_long(at, data):
    folder = os.path.join(at, "listed")
    if not os.path.exists(folder):
        os.mkdir(folder)
        for i in range(500):
            with open(os.path.join(folder, str(i)), "wb"):
                pass
        time.sleep(2)
    began = time.monotonic()
    subprocess.run(["ls", "-lR", folder], check=True, stdout=subprocess.DEVNULL)
    return {"/s": 500 / (time.monotonic() - began)}


WORK = {
    "write-4K": write_in(4 << 10),
    "write-128K": write_in(128 << 10),
    "write-1M": write_in(MIB),
    "write-eight": write_eight,
    "read": read_one,
    "small": small_files,
    "rsync": rsync_small,
    "list": list_long,
}


class Raw:
    """Eight curls, for the work that is a matter of bytes."""
    name = "raw"

    def __init__(self, gateway):
        self.gateway = gateway

    def curls(self, arguments):
        env = self.gateway.env
        began = time.monotonic()
        all_ = [subprocess.Popen(["curl", "-sSf", "-o", "/dev/null", "--noproxy", "*", "--aws-sigv4", f"aws:amz:{env['AWS_REGION']}:s3",
                                  "-u", env["AWS_ACCESS_KEY_ID"] + ":" + env["AWS_SECRET_ACCESS_KEY"],
                                  "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *a,
                                  f"{env['AWS_ENDPOINT_URL']}/{BUCKET}/raw.{i}"]) for i, a in enumerate(arguments)]
        if any([c.wait() for c in all_]):
            raise RuntimeError("curl failed")
        return time.monotonic() - began

    def do(self, work, data):
        if work.startswith("write"):
            return {"MB/s": data.size / self.curls([["-T", piece] for piece in data.pieces]) / 1e6}
        if work == "read":
            self.curls([["-T", piece] for piece in data.pieces])
            return {"MB/s": data.size / self.curls([[] for _ in data.pieces]) / 1e6}
        return None


def do(program, work, data):
    if isinstance(program, Raw):
        return program.do(work, data)
    if work == "list" and program.name == "sink":
        return None
    with program as at:
        figures = WORK[work](at, data)
        figures.update(program.costs())
    if "MB/s" in figures:
        figures["CPU s/GiB"] = figures.pop("CPU s") / (data.size / (1 << 30))
    return figures


# -------------------------------------------------------------------- results


def median(rounds):
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def show(work, results):
    columns = list(dict.fromkeys(c for figures in results.values() for c in figures))
    rows = [[work] + columns] + [[name] + [("%.4g" % f[c] if c in f else "") for c in columns] for name, f in results.items()]
    for row in rows:
        print(row[0].ljust(12) + "".join(cell.rjust(14) for cell in row[1:]))
    speed = next(c for c in ("MB/s", "/s") if c in columns)
    ours = results["pourfs"][speed]
    print("pourfs to " + ", ".join(f"{name}: {ours / f[speed]:.2f}" for name, f in results.items() if name != "pourfs"))
    print(flush=True)


def plot(folder, all_results):
    os.makedirs(folder, exist_ok=True)
    for work, results in all_results.items():
        speed = next(c for c in ("MB/s", "/s") if c in results["pourfs"])
        with open(os.path.join(folder, work + ".dat"), "w") as f:
            f.writelines(f'"{name}" {figures[speed]}\n' for name, figures in results.items())
        script = f"""set terminal svg; set output '{folder}/{work}.svg'; set title '{work}'; set ylabel '{speed}'
set style fill solid; set boxwidth 0.6; set yrange [0:*]; unset key
plot '{folder}/{work}.dat' using 0:2:xtic(1) with boxes"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--size", type=int, default=512, help="MB of a large file")
    parser.add_argument("--json", help="the figures, all rounds of them")
    parser.add_argument("--plot", help="a folder for a plot of each work (gnuplot)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unknown = set(given.work.split(",")) - set(WORK)
    if unknown:
        parser.error(f"no such work: {', '.join(unknown)}; there is {', '.join(WORK)}")
    folder = tempfile.mkdtemp(prefix="pourfs-bench.", dir="/dev/shm")
    services = []
    try:
        services += [Gateway(folder)]
        services += [Sink()]
        data = Data(folder, given.size * MIB // 8 * 8)
        programs = [Raw(services[0]), *find_programs(folder, *services)]
        rounds = {}
        for work in given.work.split(","):
            for _ in range(given.runs):
                for program in programs:
                    figures = do(program, work, data)
                    if figures:
                        rounds.setdefault(work, {}).setdefault(program.name, []).append(figures)
            services[0].forget()
            show(work, {name: median(r) for name, r in rounds[work].items()})
        if given.json:
            with open(given.json, "w") as f:
                json.dump(rounds, f, indent=2)
        if given.plot:
            plot(given.plot, {work: {name: median(r) for name, r in names.items()} for work, names in rounds.items()})
    finally:
        subprocess.run(["fusermount3", "-uzq", os.path.join(folder, "mnt")])
        for service in services:
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()

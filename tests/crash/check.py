#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# check.py LOG RECOVER... - after a crash: is everything in the bucket that the
# programs of work.py were told was safe? Keys and bytes come from curl. RECOVER is
# the command that brings back one file by its key: for what was synced over a file
# that is there. Prints what it found; exit status 1 if anything was lost.
import collections, json, os, subprocess, sys, urllib.parse

from work import content

ENDPOINT, BUCKET = os.environ["AWS_ENDPOINT_URL"], os.environ["BUCKET"]
counts, bad = collections.Counter(), []

def with_keys(endpoint):
    """In the URL the access key may have a colon, as Swift's do."""
    key, secret = (urllib.parse.quote(os.environ[f"AWS_{name}"], safe="") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    return endpoint.replace("//", f"//{key}:{secret}@")

def curl(path):
    return subprocess.run(
        ["curl", "-sS", "--fail", "--noproxy", "*", "--aws-sigv4", f"aws:amz:{os.environ['AWS_REGION']}:s3",
         "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", f"{with_keys(ENDPOINT)}/{BUCKET}{path}"],
        check=True, stdout=subprocess.PIPE).stdout

def keys():
    import xml.etree.ElementTree as tree
    found, token = set(), ""
    while token is not None:
        more = "&continuation-token=" + urllib.parse.quote(token, safe="") if token else ""
        page = tree.fromstring(curl(f"?{more[1:] + '&' if more else ''}list-type=2"))
        space = page.tag[:page.tag.index("}") + 1]
        found |= {k.text for k in page.iter(space + "Key")}
        token = page.findtext(space + "NextContinuationToken")
    return found

def body(key):
    return curl("/" + urllib.parse.quote(key))

class File:
    def __init__(self, tag, size):
        self.data, self.synced, self.written = content(tag, size), 0, False
        self.patched = None # (bytes, "" | "synced" | "done")
        self.names = [None]

def read_log(path):
    files, folders = {}, {}
    for line in open(path):
        if not line.endswith("\n"):
            break
        e = json.loads(line)
        op, name = e["op"], e.get("name")
        if op == "write":
            files[name] = File(e["tag"], e["size"])
            files[name].names = [name]
        elif op == "synced":
            files[name].synced = e["size"]
        elif op == "written":
            files[name].written = True
        elif op == "patch":
            f = files[name]
            new = f.data[:e["at"]] + content(e["tag"], e["size"]) + f.data[e["at"] + e["size"]:]
            f.patched = [new, ""]
        elif op in ("patch synced", "patched"):
            files[name].patched[1] = op
        elif op == "folder":
            folders[name] = (e["files"], [name])
        elif op in ("rename", "renamed"):
            names = files[name].names if name in files else folders[name.rstrip("+")][1]
            if op == "rename":
                names.append(e["to"])
            else:
                names.remove(name)
        elif op == "failed" and e["error"] not in (5, 103, 107): # EIO, ECONNABORTED, ENOTCONN
            bad.append(f"an operation failed with errno {e['error']} before the crash")
    return files, folders

def check_file(first, f, there, recover):
    names = [n for n in f.names if n in there]
    if not f.written:
        if not names:
            counts["nothing of it" if not f.synced else "lost"] += 1
            if f.synced:
                bad.append(f"{first}: {f.synced} bytes were synced, and it is not there")
            return
        got = body(names[0])
        if len(got) < f.synced or f.data[:len(got)] != got:
            bad.append(f"{first}: {len(got)} bytes, {f.synced} of them synced, "
                       f"{'right' if f.data[:len(got)] == got else 'WRONG'}")
        counts["recovered" if len(got) < len(f.data) else "whole"] += 1
        return
    if not names:
        bad.append(f"{first}: was closed, and none of {f.names} is there")
        return
    for name in names:
        got, state = body(name), f.patched[1] if f.patched else None
        if state == "patch synced" and got != f.patched[0]:
            subprocess.run([*recover, name], check=True, stdout=subprocess.DEVNULL)
            got = body(name)
            counts["synced over a file"] += 1
        good = [f.patched[0]] if state in ("patch synced", "patched") else [f.data]
        if state == "":
            good.append(f.patched[0])
        if got not in good:
            bad.append(f"{name}: {len(got)} bytes of {len(f.data)}, state {state}, wrong")
    counts["two names" if len(names) > 1 else "whole"] += 1

def check_folder(first, files, names, there):
    whole = [n for n in names if {f"{n}/{i}" for i in range(files)} <= there]
    if not whole:
        bad.append(f"{first}: none of {names} is whole")
        return
    for name in whole:
        for i in range(files):
            if body(f"{name}/{i}") != content(f"{first}/{i}", 1000 + i):
                bad.append(f"{name}/{i}: wrong bytes")
    rest = [n for n in names if n not in whole and any(k.startswith(n + "/") for k in there)]
    # What the service had been asked to copy before the crash it may copy long after.
    counts["late copies"] += len(rest)
    if len(whole) > 1:
        bad.append(f"{first}: whole as {whole}")
    counts["folders"] += 1

files, folders = read_log(sys.argv[1])
there = keys()
for name, f in files.items():
    check_file(name, f, there, sys.argv[2:])
for name, (n, names) in folders.items():
    check_folder(name, n, names, there)
print(", ".join(f"{n} {what}" for what, n in sorted(counts.items()) if n) or "nothing was begun")
for line in bad:
    print("LOST", line)
sys.exit(1 if bad else 0)

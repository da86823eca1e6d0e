#!/usr/bin/env python3
"""clang-tidy over src, two at a time. What was clean is not looked at again until it or a header of ours in it changes.

usage: check_tidy.py [PATH-PART]    only sources whose path contains PATH-PART
"""
import hashlib
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from source_files import ROOT, report

TREE = ROOT / "build" / "tidy"
CLEAN = TREE / "clean"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
OURS = re.compile(r"/src/.*(?<!_test)(?<!_fuzz)(?<!_bench)\.cpp$")


@cache
def own_headers(path):
    """The file and every header of ours that it includes, directly or not."""
    seen, todo = set(), [path]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        for name in INCLUDE.findall(at.read_text()):
            todo += [found for found in (ROOT / "src" / name, at.parent / name) if found.exists()]
    return frozenset(seen)


def key(entry, version):
    """Changes with the tool, its configuration, the command line and every byte of ours that is compiled."""
    digest = hashlib.sha256((version + (ROOT / ".clang-tidy").read_text() + entry["command"]).encode())
    for path in sorted(own_headers(Path(entry["file"]))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tidy(entry, version):
    """The faults of one source; remembers when there is none."""
    mark = CLEAN / key(entry, version)
    if mark.exists():
        return []
    run = subprocess.run(["clang-tidy", "--quiet", "-p", str(TREE), entry["file"]], capture_output=True, text=True)
    if run.returncode == 0:
        mark.touch()
        return []
    lines = [line.removeprefix(f"{ROOT}/") for line in run.stdout.splitlines() if re.search(r": (error|warning):", line)]
    return lines or [f"{entry['file']}:1: clang-tidy failed: {run.stderr.strip()[-500:]}"]


def main(part):
    CLEAN.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True, text=True).stdout
    entries = json.loads((TREE / "compile_commands.json").read_text())
    entries = [entry for entry in entries if OURS.search(entry["file"]) and part in entry["file"]]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda entry: tidy(entry, version), entries)
        faults = sorted({line for lines in found for line in lines})
    return report("tidy", faults, "fix them, or say NOLINT(check) with the reason beside it")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))

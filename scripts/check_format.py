#!/usr/bin/env python3
"""clang-format decides layout, .clang-format says which."""
import subprocess
import sys

from source_files import CPP, ROOT, files, report


def main():
    names = [str(path.relative_to(ROOT)) for path in files(CPP, "src", "tests")]
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=ROOT, capture_output=True, text=True)
    first = {}  # one line for each file is enough
    for line in run.stderr.splitlines():
        first.setdefault(line.split(":", 1)[0], line)
    faults = [line for line in first.values() if ": error:" in line] or run.stderr.splitlines()
    return report("format", faults, "run clang-format -i on these files")


if __name__ == "__main__":
    sys.exit(main())

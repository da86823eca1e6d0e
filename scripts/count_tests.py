#!/usr/bin/env python3
"""Counts the cases of test runs that ctest wrote to build/PRESET/tests.xml; last line: N passed, M failed.

usage: count_tests.py PRESET...

A suite's cases are what its output says: GoogleTest's closing lines, or a last line "N passed, M failed". A suite that
says nothing is one case. One that ends badly without naming a failed case, or does not run, is one failed case.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TALLY = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.M)
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below", re.M)


def count(output, succeeded):
    """(passed, failed) of one suite."""
    passed = failed = 0
    if tallies := TALLY.findall(output):
        passed, failed = map(int, tallies[-1])
    elif GTEST_PASSED.search(output):
        passed = sum(map(int, GTEST_PASSED.findall(output)))
        failed = sum(map(int, GTEST_FAILED.findall(output)))
    elif succeeded:
        passed = 1
    if not succeeded and failed == 0:
        failed = 1
    return passed, failed


def suites(preset):
    path = ROOT / "build" / preset / "tests.xml"
    if not path.exists():
        yield preset, "all suites", 0.0, (0, 1)
        return
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "disabled":
            continue
        output = "".join(part.text or "" for part in case.iter("system-out"))
        counted = count(output, case.get("status") == "run")
        yield preset, case.get("name"), float(case.get("time") or 0), counted


def main(presets):
    total = [0, 0]
    for preset in presets:
        for tree, name, seconds, (passed, failed) in suites(preset):
            mark = "FAILED" if failed else "ok"
            print(f"{mark:6} {tree:8}{name:34}{passed:6} passed {failed:4} failed {seconds:8.1f} s")
            total[0] += passed
            total[1] += failed
    print(f"{total[0]} passed, {total[1]} failed")
    return 0 if total[0] and not total[1] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

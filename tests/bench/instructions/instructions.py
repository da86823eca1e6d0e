#!/usr/bin/env python3
"""What a walk through the broker costs, in instructions, against the baseline in this folder.

usage: instructions.py WALK [--update] [SCENARIO...]

Each scenario runs twice under valgrind, the second time with more walks: the difference is what one walk costs. Counts
do not depend on how busy the machine is. More than the tolerance above the baseline fails; as much below asks to write the
new one down: --update does.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

BASELINE = Path(__file__).with_name("baseline.tsv")
TOLERANCE = 0.03
FEW, MANY = 2000, 6000
COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


def count(walk, scenario, walks):
    """Instructions of one run."""
    run = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", walk, scenario,
                          str(walks)], capture_output=True, text=True, check=False)
    counted = COUNTED.search(run.stderr)
    if run.returncode != 0 or not counted:
        sys.exit(f"instructions: {scenario} ended with {run.returncode}\n{run.stderr}")
    return int(counted.group(1).replace(",", ""))


def read_baseline():
    rows = [line.split("\t") for line in BASELINE.read_text().splitlines() if line and not line.startswith("#")]
    return {scenario: int(instructions) for scenario, instructions in rows}


def write_baseline(measured):
    head = [line for line in BASELINE.read_text().splitlines() if line.startswith("#")]
    rows = [f"{scenario}\t{instructions}" for scenario, instructions in measured.items()]
    BASELINE.write_text("\n".join(head + rows) + "\n")


def verdict(before, now):
    if now > before * (1 + TOLERANCE):
        return "TOO MANY"
    return "fewer: write them down with --update" if now < before * (1 - TOLERANCE) else "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("walk", help="the program, build/release/tests/bench/walk")
    parser.add_argument("--update", action="store_true", help="write what is measured into baseline.tsv")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="rows of baseline.tsv; default: all")
    options = parser.parse_args()
    baseline = read_baseline()
    failed = 0
    for scenario in options.scenarios or list(baseline):
        if scenario not in baseline:
            parser.error(f"no scenario {scenario}; there are {' '.join(baseline)}")
        now = round((count(options.walk, scenario, MANY) - count(options.walk, scenario, FEW)) / (MANY - FEW))
        said = verdict(baseline[scenario], now)
        failed += said == "TOO MANY"
        print(f"{scenario:18} {now:7} instructions a walk, baseline {baseline[scenario]:7}  {said}", flush=True)
        baseline[scenario] = now if options.update else baseline[scenario]
    if options.update:
        write_baseline(baseline)
        return 0
    print(f"{len(options.scenarios or baseline) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

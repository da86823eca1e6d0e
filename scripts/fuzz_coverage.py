#!/usr/bin/env python3
"""How much of each parser the corpus of its fuzz target reaches, as gcov counts it in the coverage build.

usage: fuzz_coverage.py [--missed] [TARGET...]    every target by default; --missed names the lines that are not reached
"""
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from source_files import ROOT

TREE = ROOT / "build" / "coverage"
# What each target is there for: sources and their headers, below src and without their endings.
PARSERS = {
    "auth_acl": ["auth/acl"],
    "auth_callout": ["auth/callout", "auth/claims", "auth/json"],
    "auth_jwt": ["auth/jwt", "auth/token_keys", "auth/base64", "auth/json"],
    "auth_password_file": ["auth/password_file"],
    "auth_policy_file": ["auth/policy_file", "auth/policy_words", "auth/condition", "auth/topic_template"],
    "broker_restoring": ["broker/keeping/object_reading", "broker/keeping/restoring", "broker/keeping/loading"],
    "config_config": ["config/toml_text", "config/draft", "config/check"],
    "config_listen_url": ["config/listen_url"],
    "mqtt_decoder": ["mqtt/decoder*", "mqtt/packet_reader", "mqtt/properties", "mqtt/property_table", "mqtt/subscribe_entries"],
    "server_dumping": ["server/dumping", "broker/keeping/stored_shard", "broker/keeping/object_reading"],
    "server_verifying": ["server/verifying", "broker/keeping/survey", "broker/keeping/stored_shard"],
    "sim_conversation": ["broker/*", "broker/keeping/*", "broker/routing/*", "broker/session/*"],
    "store_recovery": ["store/recovery", "store/segment_reader", "store/log_format", "store/log_opening"],
    "topic_filter": ["topic/filter", "topic/filter_table"],
    "transport_http_head": ["transport/http_head", "transport/websocket_upgrade"],
    "transport_proxy": ["transport/proxy"],
    "transport_websocket": ["transport/websocket"],
}
NOT_THE_PARSER = ("_test.cpp", "_fuzz.cpp", "_bench.cpp")


def parser_files(target):
    found = [path for pattern in PARSERS[target] for end in (".h", ".cpp") for path in (ROOT / "src").glob(pattern + end)]
    return {str(path) for path in found if not path.name.endswith(NOT_THE_PARSER)}


def replay(target, counts):
    """Runs the corpus; the counters of each object go below `counts`, with the object's notes beside them."""
    program = TREE / "src" / f"fuzz_{target}"
    subprocess.run([program, ROOT / "tests" / "corpus" / target], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"GCOV_PREFIX": counts})
    for counters in Path(counts).rglob("*.gcda"):
        notes = Path("/", counters.relative_to(counts)).with_suffix(".gcno")
        counters.with_suffix(".gcno").symlink_to(notes)
        yield counters


def reached(target):
    """{(file, line): (times, branches reached, branches)} of the parser's files, over all objects that have it."""
    files, lines = parser_files(target), defaultdict(lambda: (0, 0, 0))
    with tempfile.TemporaryDirectory() as counts:
        counters = list(replay(target, counts))
        gcov = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *counters], check=True,
                              capture_output=True, text=True, cwd=counts)
    for document in gcov.stdout.splitlines():
        parsed = json.loads(document)
        for file in parsed["files"]:
            name = os.path.normpath(os.path.join(parsed["current_working_directory"], file["file"]))
            if name not in files:
                continue
            for line in file["lines"]:
                branches = [branch for branch in line["branches"] if not branch["throw"]]
                taken = sum(branch["count"] > 0 for branch in branches)
                at = (name, line["line_number"])
                lines[at] = max(lines[at], (line["count"], taken, len(branches)))
    return lines


def row(target, missed):
    lines = reached(target)
    hit = sum(times > 0 for times, _, _ in lines.values())
    branches = [sum(column) for column in zip(*((taken, all_of_it) for _, taken, all_of_it in lines.values()))]
    print(f"{target:21}{hit:6} of{len(lines):6}{100 * hit / len(lines):7.1f} %{branches[0]:7} of{branches[1]:6}"
          f"{100 * branches[0] / max(branches[1], 1):7.1f} %   {' '.join(PARSERS[target])}", flush=True)
    for (name, line), (times, _, _) in sorted(lines.items()):
        if missed and times == 0:
            print(f"    {name.removeprefix(f'{ROOT}/')}:{line}: {Path(name).read_text().splitlines()[line - 1].strip()}")


def main(arguments):
    targets = [each for each in arguments if each != "--missed"] or sorted(PARSERS)
    if unknown := set(targets) - set(PARSERS):
        return f"no parser is named for {' '.join(sorted(unknown))}; PARSERS in {__file__} names it"
    print(f"{'target':21}{'lines reached':>24}{'branches':>25}   the parser, below src")
    for target in targets:
        row(target, "--missed" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Who may include whom. The list is docs/architecture.md's map; src/CMakeLists.txt links by the same list."""
import re
import sys

from source_files import CPP, ROOT, files, report

ALL = {"base", "topic", "mqtt", "transport", "store", "auth", "rules", "devices", "metering", "broker", "sinks", "admin",
       "config", "os", "control", "client", "bench", "server"}
MAY = {
    "base": set(),
    "topic": {"base"},
    "mqtt": {"base", "topic"},
    "transport": {"base"},
    "store": {"base"},
    "auth": {"base", "topic"},
    "rules": {"base", "topic"},
    "devices": {"base"},
    "metering": {"base"},
    "broker": {"base", "topic", "mqtt", "auth", "store", "rules", "devices", "metering"},
    "os": {"base"},
    "control": {"base", "os"},
    "sinks": {"base", "rules", "os"},
    "admin": {"base", "broker", "devices", "metering", "rules", "os"},
    "client": {"base", "topic", "mqtt", "transport", "os"},
    "bench": {"base", "topic", "mqtt", "transport", "os", "client"},
    "config": {"base"},
    "server": ALL,
}
OPTIONS = re.compile(r"(.*_)?options\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def allowed(module, target, included):
    if target == module or target in MAY[module]:
        return True
    return module == "config" and bool(OPTIONS.match(included.rsplit("/", 1)[-1]))


def faults_of(module, name, text):
    """The lines of one file that include what its module may not."""
    if module not in MAY:
        return [f"{name}:1: no module {module} on the map; add it to the map and to MAY here"]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if not include or "/" not in include.group(1):
            continue
        target = include.group(1).split("/", 1)[0]
        if target not in ALL:
            found.append(f'{name}:{number}: "{include.group(1)}" names no module; a library is included with <>')
        elif not allowed(module, target, include.group(1)):
            found.append(f"{name}:{number}: {module} may not include {target}")
    return found


def main():
    faults = []
    for path in files(CPP, "src"):
        name = path.relative_to(ROOT)
        faults += faults_of(name.parts[1], name, path.read_text())
    return report("layers", faults, "let the lower module declare what it needs and the server connect the two")


if __name__ == "__main__":
    sys.exit(main())

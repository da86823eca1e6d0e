#!/usr/bin/env python3
"""Size and shape: a function ends at 70 lines, 5 parameters, 3 levels; a source at 500 lines, a header 250, a test 800.

The scanner knows C++ only as far as braces and keywords go. A function is a `{` after a parameter list; a lambda counts as
lines of the function around it. A level is a control statement inside another; `else if` is no deeper than its `if`.
Where a library dictates a shape, a comment on the line before says so: `// check_size: OpenSSL's signature of this callback`.
"""
import re
import sys

from source_files import CPP, ROOT, bare, files, report

LINES_MAX = {"source": 500, "header": 250, "test": 800}
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5
LEVELS_MAX = 3

EXCUSE = re.compile(r"//.*\bcheck_size: \w+")
CONTROL = ("if", "for", "while", "switch", "do", "try", "catch", "else")
# What stands between a parameter list and the body: qualifiers, a return type, a constructor's initializers.
TAIL = re.compile(
    r"^(?:\s*(?:const\b|noexcept\b(?:\s*\([^()]*\))?|override\b|final\b|mutable\b|&&?|requires\b[^{};]*|"
    r"->\s*[\w:<>,&*\s]+|:\s*(?!:).*))*\s*$", re.S)
NAME = re.compile(r"(operator\s*\S+|~?[A-Za-z_][\w:~]*(?:<[^()]*>)?)\s*$")


def kind(path):
    if re.search(r"_test\.\w+$", path.name) or "tests" in path.parts or path.name.startswith("test_"):
        return "test"
    return "header" if path.suffix == ".h" else "source"


def closing(text, at, pair="{}"):
    """Position after the bracket that closes the one at `at`."""
    depth = 0
    for position in range(at, len(text)):
        depth += (text[position] == pair[0]) - (text[position] == pair[1])
        if depth == 0:
            return position + 1
    return len(text)


def parameter_list(head):
    """(position, text) of the first top-level (...) in a function's head whose tail looks like a function's; or None."""
    at = head.find("(")
    while at != -1:
        end = closing(head, at, "()")
        name = NAME.search(head[:at])
        if name and name.group(1) not in CONTROL + ("return", "alignas", "decltype", "noexcept", "sizeof", "requires"):
            if TAIL.match(head[end:]):
                return at, head[at + 1:end - 1]
        at = head.find("(", end)
    return None


def parameters(inside):
    """How many parameters stand in a list: commas outside of every bracket."""
    depth, count = 0, 1
    for char in inside:
        depth += (char in "(<[{") - (char in ")>]}")
        count += char == "," and depth == 0
    return count if inside.strip() not in ("", "void") else 0


def levels(body):
    """Deepest nesting of control statements in a function's body, with or without braces."""
    token = re.compile(r"[{};()]|\b(?:if|for|while|switch|do|try|catch|else)\b")
    deepest, stack, pending, position = 0, [], 0, 0
    while found := token.search(body, position):
        word, position = found.group(), found.end()
        if word in ("if", "for", "while", "switch", "catch", "do", "try"):
            pending += 1
            if word in ("if", "for", "while", "switch", "catch"):
                opening = body.find("(", position)
                position = closing(body, opening, "()") if opening != -1 else len(body)
            deepest = max(deepest, sum(stack) + pending)
        elif word == "else":
            after = re.match(r"\s*if\b", body[position:])
            pending += 0 if after else 1
        elif word == "{":
            stack.append(pending)
            pending = 0
        elif word == "}" and stack:
            stack.pop()
            pending = 0
        elif word == ";":
            pending = 0
        elif word == "(":
            position = skip_plain(body, found.start())
    return deepest


def skip_plain(body, at):
    """Past a (...) that holds no block; a lambda among the arguments is looked into."""
    end = closing(body, at, "()")
    return at + 1 if "{" in body[at:end] else end


def functions(text):
    """(name, first line, lines, parameter count, levels) of every function defined in the text."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), bare(text), flags=re.M)
    position = begin = 0
    while found := re.compile(r"[{};]|\b(?:public|private|protected)\s*:").search(text, position):
        head, position = text[begin:found.start()], found.end()
        begin = position
        if found.group() != "{":
            continue
        shape = parameter_list(head) if not re.search(r"\b(?:class|struct|enum|union|namespace)\s[^()]*$", head) else None
        if shape is None:
            if re.search(r"[=,(\[]\s*$|\breturn\s*$", head) or re.search(r"\w\s*$", head) and "=" in head:
                position = begin = closing(text, found.start())
            continue
        body_at = found.start()
        end = closing(text, body_at)
        while re.match(r"\s*[,{]", text[end:]) and ":" in head[shape[0]:]:  # `: a_{x}, b_{y} {`: initializers, then body
            body_at = text.find("{", end)
            end = closing(text, body_at)
        first = text.count("\n", 0, position - 1 - len(head.lstrip())) + 1
        yield (NAME.search(head[:shape[0]]).group(1), first, text.count("\n", 0, end) + 2 - first, parameters(shape[1]),
               levels(text[body_at + 1:end - 1]))
        position = begin = end


def faults_of(path, name, text):
    count = len(text.splitlines())
    limit = LINES_MAX[kind(path)]
    if count > limit:
        yield f"{name}:{limit}: a {kind(path)} ends at {limit} lines, this has {count}; split it by what it is about"
    if path.suffix not in CPP:
        return
    rows = text.splitlines()
    for function, line, lines, parameter_count, depth in functions(text):
        if line > 1 and EXCUSE.search(rows[line - 2]):
            continue
        if lines > FUNCTION_LINES_MAX:
            yield f"{name}:{line}: {function} has {lines} lines of {FUNCTION_LINES_MAX}; move its leaves out"
        if parameter_count > PARAMETERS_MAX:
            yield f"{name}:{line}: {function} has {parameter_count} parameters of {PARAMETERS_MAX}; name a struct of them"
        if depth > LEVELS_MAX:
            yield f"{name}:{line}: {function} nests {depth} levels of {LEVELS_MAX}; refuse early or move the inside out"


def main():
    faults = []
    for path in files(CPP | {".py", ".js", ".mjs"}, "src", "tests", "scripts"):
        faults += faults_of(path.relative_to(ROOT), path.relative_to(ROOT), path.read_text())
    return report("size", faults, "STYLE: branches in the parent, work in leaves that take values")


if __name__ == "__main__":
    sys.exit(main())

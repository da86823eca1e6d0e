"""Which files are ours, and C++ text without its comments and strings; for the other scripts here."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPP = {".h", ".cpp"}
SKIP = {"node_modules", "__pycache__", "corpus"}

# Order matters: a quote inside a comment is no string, and a comment sign inside a string is no comment.
HIDDEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\s\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.S,
)


def files(suffixes, *folders):
    """Our files below the folders, sorted."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and not SKIP & set(path.relative_to(ROOT).parts):
                yield path


def bare(text):
    """The text with comments and literals blanked, line by line the same length in lines."""
    return HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def report(check, faults, advice):
    """Prints the faults; 0 when there is none, else 1."""
    for fault in faults:
        print(fault)
    print(f"{check}: {f'{len(faults)} faults; {advice}' if faults else 'clean'}")
    return 1 if faults else 0

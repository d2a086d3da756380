#!/usr/bin/env python3
"""House rules a machine can keep: tests/guard/tidy.py CHECK [ARGUMENT], from the project's root.

Every finding is one line, file:line: what is wrong, and what to do instead. Exit 1 when there is one. The checks are
functions of a root folder, so that test_tidy.py can show each of them a tree with exactly one fault.
"""
import fnmatch
import json
import os
import re
import subprocess
import sys

SOURCE_DIRS = ("lib", "daemon", "tools", "tests", "config", "proto")
TEXT_ENDINGS = (".c", ".h", ".py", ".cmake", ".md", ".conf", ".proto", ".txt", ".sh", ".json", ".service")


def tracked_files(root):
    """Files of the project: what git knows or would add, else (an unpacked archive) what is there."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        return sorted(p for p in listed.stdout.decode().split("\0") if p and os.path.isfile(os.path.join(root, p)))
    found = []
    for folder, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def c_files(root):
    return [p for p in tracked_files(root) if p.endswith((".c", ".h")) and p.split("/")[0] in SOURCE_DIRS]


def text_files(root):
    return [p for p in tracked_files(root)
            if p.endswith(TEXT_ENDINGS) or ("." not in os.path.basename(p) and "/corpus/" not in p)]


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """The C text with comments, strings and character constants blanked, every newline kept."""
    def blank(match):
        kept = re.sub(r"[^\n]", " ", match.group(0))
        return kept if match.group(0)[0] == "/" else '"' + kept[1:-1] + '"'
    return TOKEN.sub(blank, text)


# ------------------------------------------------------------------------------------------------ include direction

MAY_INCLUDE = {
    "lib/core": {"lib/core"},
    "lib/store": {"lib/core", "lib/store"},
    "lib/directory": {"lib/core", "lib/directory"},
    "lib/conf": {"lib/core", "lib/conf"},
    "lib/wire": {"lib/core", "lib/wire"},
    "lib/engine": {"lib/core", "lib/store", "lib/directory", "lib/engine", "lib/wire/rfl_arena.h"},
    "lib/client": {"lib/core", "lib/wire", "lib/client"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def check_includes(root):
    home = {os.path.basename(p): os.path.dirname(p) for p in c_files(root)
            if p.endswith(".h") and (p.startswith("lib/") or p.startswith("daemon/"))}
    for path in c_files(root):
        folder = os.path.dirname(path)
        text = read(root, path)
        for match in INCLUDE.finditer(text):
            name = match.group(1)
            line = text.count("\n", 0, match.start(1)) + 1
            where = home.get(os.path.basename(name))
            if "/" in name:
                yield f'{path}:{line}: include "{os.path.basename(name)}" by its name; folders are the build\'s own'
            allowed = MAY_INCLUDE.get(folder)
            if allowed is None or where is None:
                continue
            if where not in allowed and f"{where}/{name}" not in allowed:
                yield f"{path}:{line}: {folder} may not include {name} of {where}; move the code to where both may meet"


# ------------------------------------------------------------------------------------------------ sizes

LINE_COLUMNS_MAX, FUNCTION_LINES_MAX, FILE_LINES_MAX = 120, 70, 1000


def functions(code):
    """(line of the opening brace, lines to the closing one) of every function: both stand in column 0 here."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def check_sizes(root):
    for path in text_files(root):
        if not path.endswith((".c", ".h", ".py", ".cmake", ".proto")) and not (
                path.startswith("tools/") and not path.endswith(".md")):
            continue
        for number, line in enumerate(read(root, path).split("\n"), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield f"{path}:{number}: {len(line)} columns; break the line at {LINE_COLUMNS_MAX}"
            if "\t" in line and path.endswith((".c", ".h", ".py")):
                yield f"{path}:{number}: a tab; indent with four spaces"
    for path in c_files(root):
        code = code_only(read(root, path))
        if code.count("\n") > FILE_LINES_MAX:
            yield f"{path}:1: {code.count(chr(10))} lines; a file is about one thing: split it"
        for number, length in functions(code):
            if length > FUNCTION_LINES_MAX:
                yield f"{path}:{number}: a function of {length} lines; at {FUNCTION_LINES_MAX} it needs a helper"


# ------------------------------------------------------------------------------------------------ banned calls

# Calls: (names, where they are allowed, what to use). A trailing "/" allows a folder, "" allows nobody.
BANNED_CALLS = (
    (("strcpy", "strcat", "strncpy", "strncat", "stpcpy"), (), "memcpy with a length checked on the same screen"),
    (("sprintf", "vsprintf"), (), "snprintf, and look at what it returns"),
    (("strtok", "strtok_r"), (), "a view that walks the bytes"),
    (("atoi", "atol", "atoll", "atof"), (), "strtoll with its end pointer and errno checked"),
    (("gets",), (), "fgets, or read with a length"),
    (("rand", "srand", "random", "srandom", "drand48", "rand_r"), (),
     "a generator in a struct, seeded by an argument, or randombytes_buf for keys"),
    (("alloca",), (), "a fixed buffer or an arena"),
    (("time", "clock_gettime", "gettimeofday", "ftime"),
     ("daemon/clock.c", "tools/", "tests/", "lib/client/"), "the time that was passed in (struct rfl_now)"),
    (("sleep", "usleep", "nanosleep"), (), "a wait for a state, with a deadline (poll)"),
    (("system", "popen"), ("tests/",), "posix_spawn or fork and execv with a list of arguments"),
    (("getenv",), ("daemon/", "tools/", "tests/"), "an argument"),
)
# Prefixes of names: (prefix, where allowed, what to do).
BANNED_PREFIXES = (
    ("mdb_", ("lib/store/", "tests/bench/", "tests/crash/"), "LMDB is lib/store's alone"),
    ("zmq_", ("daemon/bus*", "daemon/fair.*", "daemon/zap.c", "daemon/main.c", "lib/client/", "tools/",
              "tests/"),
     "sockets are daemon/bus*.c's and lib/client's"),
    ("protobuf_c_", ("lib/wire/", "tests/"), "protobuf-c stops at lib/wire; use struct rfl_ask and rfl_reply"),
    ("Referrald__V1__", ("lib/wire/", "tests/"), "protobuf-c stops at lib/wire; use struct rfl_ask and rfl_reply"),
    ("referrald__v1__", ("lib/wire/", "tests/"), "protobuf-c stops at lib/wire; use struct rfl_ask and rfl_reply"),
)


def allowed_at(path, places):
    return any(fnmatch.fnmatchcase(path, place) or (place.endswith("/") and path.startswith(place))
               for place in places)


def check_calls(root):
    call_rules = [(re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\("), places, instead)
                  for names, places, instead in BANNED_CALLS]
    prefix_rules = [(re.compile(r"(?<![\w])" + prefix + r"\w*"), places, instead)
                    for prefix, places, instead in BANNED_PREFIXES]
    for path in c_files(root):
        if path == "tests/guard/impure.c":
            continue
        code = code_only(read(root, path))
        for pattern, places, instead in call_rules + prefix_rules:
            if allowed_at(path, places):
                continue
            for match in pattern.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {match.group(0).rstrip('( ')} is not used here; instead: {instead}"


# ------------------------------------------------------------------------------------------------ leftovers

# Spelled in halves, so that this file does not find itself.
MARKERS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
MACHINE_PATHS = ("/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "/tmp/" + "team")
LEFT_BEHIND = ("print" + "f(\"DEBUG", "assert_true" + "(1)", "assert_true" + "(true)", "#if " + "0")


def check_leftovers(root):
    marker = re.compile(r"\b(" + "|".join(MARKERS) + r")\b")
    for path in text_files(root):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            if marker.search(line):
                yield f"{path}:{number}: an unfinished-work marker; finish it, or say what is missing in a document"
            if any(place in line for place in MACHINE_PATHS):
                yield f"{path}:{number}: a path of one machine; use a path relative to the project, or an option"
            if path.endswith((".c", ".h")) and any(text in line for text in LEFT_BEHIND):
                yield f"{path}:{number}: left behind while trying something; take it out"


# ------------------------------------------------------------------------------------------------ spelling

AMERICAN = {
    "beha" + "vior": "behaviour", "initi" + "alize": "initialise", "initi" + "alized": "initialised",
    "organi" + "zation": "organisation", "organi" + "zations": "organisations", "author" + "ized": "authorised",
    "serial" + "ize": "serialise", "serial" + "ized": "serialised", "normal" + "ized": "normalised",
    "normal" + "ize": "normalise", "optim" + "ized": "optimised", "optim" + "ize": "optimise",
    "recogn" + "ized": "recognised", "cancel" + "ed": "cancelled", "sum" + "marize": "summarise",
    "pri" + "oritize": "prioritise", "cen" + "ter": "centre", "neigh" + "bor": "neighbour", "fa" + "vor": "favour",
    "hon" + "or": "honour", "min" + "imize": "minimise", "max" + "imize": "maximise", "catal" + "og": "catalogue",
    "label" + "ed": "labelled", "anal" + "yze": "analyse", "randomi" + "zed": "randomised",
}


def check_spelling(root):
    pattern = re.compile(r"(?<![\w-])(" + "|".join(AMERICAN) + r")s?(?![\w(])", re.I)
    for path in text_files(root):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            for match in pattern.finditer(line):
                british = AMERICAN[match.group(1).lower()]
                yield f"{path}:{number}: {match.group(0)}: British spelling here is {british}"


# ------------------------------------------------------------------------------------------------ links

LINK = re.compile(r"\]\(([^)\s]+)\)")


def heading_anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check_links(root):
    for path in tracked_files(root):
        if not path.endswith(".md"):
            continue
        text = read(root, path)
        for match in LINK.finditer(text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            line = text.count("\n", 0, match.start()) + 1
            name, _, anchor = target.partition("#")
            there = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            if not os.path.exists(os.path.join(root, there)):
                yield f"{path}:{line}: the link leads to {there}, which is not there"
            elif anchor and there.endswith(".md"):
                anchors = [heading_anchor(h) for h in re.findall(r"^#+ +(.*)$", read(root, there), re.M)]
                if anchor not in anchors:
                    yield f"{path}:{line}: {there} has no heading for #{anchor}"


# ------------------------------------------------------------------------------------------------ every source is built

def check_compiled(root, database="build/dev/compile_commands.json"):
    with open(database, encoding="utf-8") as f:
        built = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(f)}
    # A libFuzzer entry point is compiled by the fuzz preset, and by its regression test everywhere else.
    for path in c_files(root):
        if path.endswith(".c") and os.path.realpath(os.path.join(root, path)) not in built:
            yield f"{path}:1: no target compiles this file; add it to one, or delete it"


CHECKS = {"includes": check_includes, "sizes": check_sizes, "calls": check_calls, "leftovers": check_leftovers,
          "spelling": check_spelling, "links": check_links, "compiled": check_compiled}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in CHECKS:
        print("usage: tidy.py " + "|".join(CHECKS), file=sys.stderr)
        return 64
    findings = list(CHECKS[sys.argv[1]](".", *sys.argv[2:]))
    print("\n".join(findings) if findings else "nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The hazard log and the tests it names: tests/guard/hazards.py BUILD [RESULTS], from the project's root.

Every row of tests/HAZARDS.md and every wall of daemon/THREATS.md names tests, each of them is registered with ctest in
that build, and the function exists in the program's source. With RESULTS, the folder of JUnit files that tools/test
leaves, each must also have run and passed, in every build that ran it. A finding is one line; exit 1 when there is one.
"""
import glob
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

GROUPS = "unit|journey|policy|sim|crash|fuzz|e2e|security|guard|bench"
NAME = re.compile(rf"`((?:{GROUPS})\.\w+)(?:/(\w+))?`")
DOCUMENTS = ("tests/HAZARDS.md", "daemon/THREATS.md")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def rows(text):
    """(line, cells) of every row of a table whose last heading is "shown by"."""
    shown = False
    for number, line in enumerate(text.split("\n"), 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            shown = False
        elif cells[-1] == "shown by":
            shown = True
        elif shown and set(line) - set("|- "):
            yield number, cells


def named(text):
    """(line, test, function or None) of all that rows name."""
    return [(number, test, function or None) for number, cells in rows(text)
            for test, function in NAME.findall(cells[-1])]


def check_document(path, text):
    for number, cells in rows(text):
        if not NAME.search(cells[-1]):
            yield f"{path}:{number}: no test shows this; name one, or do not promise it"
        left = NAME.sub("", cells[-1]).strip(" ,")
        if left:
            yield f"{path}:{number}: \"{left}\" is not a test; write `group.program/function`"
    for heading, body in re.findall(r"^## (H\d+ [^\n]*)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        if not named(body):
            yield f"{path}: the hazard {heading} has no test"


def registered(build):
    """{test: its command} as ctest has them."""
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True,
                            check=True)
    return {t["name"]: t.get("command", []) for t in json.loads(listed.stdout)["tests"]}


def sources_of(command, root="."):
    """Texts where the functions of a test may be: the scripts of its command, and tests/*/<program>.c."""
    found = []
    for word in command:
        base = os.path.basename(word)
        paths = [word] if word.endswith((".py", ".sh")) else glob.glob(os.path.join(root, "tests", "*", base + ".c"))
        found += [read(p) for p in paths if os.path.exists(p)]
    return found


def check_registered(path, text, tests):
    for number, test, function in named(text):
        if test not in tests:
            yield f"{path}:{number}: {test} is not a test of the suite"
        elif function is not None:
            declared = re.compile(rf"^static void {function}\(void \*\*|^    def {function}\(self\)", re.M)
            if not any(declared.search(source) and source.count(function) > 1 or
                       re.search(rf"^    def {function}\(self\)", source, re.M)
                       for source in sources_of(tests[test])):
                yield f"{path}:{number}: {test} has no function {function}, or does not run it"


def results(folder):
    """{test: [(passed, output)]} over the builds that ran it."""
    ran = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.xml"))):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            passed = case.get("status") == "run" and case.find("failure") is None and case.find("skipped") is None
            ran.setdefault(case.get("name"), []).append((passed, case.findtext("system-out") or ""))
    return ran


def check_passed(path, text, ran):
    for number, test, function in named(text):
        runs = ran.get(test, [])
        if not runs or not all(passed for passed, _ in runs):
            yield f"{path}:{number}: {test} did not pass"
        elif function is not None and any("[ RUN      ]" in out and f"[       OK ] {function}" not in out
                                          for _, out in runs):
            yield f"{path}:{number}: {function} of {test} did not pass"


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: hazards.py BUILD [RESULTS]", file=sys.stderr)
        return 64
    tests, found = registered(sys.argv[1]), []
    ran = results(sys.argv[2]) if len(sys.argv) == 3 else None
    for path in DOCUMENTS:
        text = read(path)
        found += list(check_document(path, text)) + list(check_registered(path, text, tests))
        if ran is not None:
            found += list(check_passed(path, text, ran))
    print("\n".join(found) if found else "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Counts what ctest ran: tests/count_results.py FOLDER, with one JUnit file for each build in it.

Prints one line, "N passed, N failed" and ", N skipped" when there are any. What is counted: every test function of a
cmocka program or a Python unittest; what another program reports in a line "checks: N passed, N failed, N skipped"; and
one for a program that reports nothing. A program that fails without reporting a failure counts as one failure, and so
does a build that did not compile. Exit 1 when anything failed or nothing ran.
"""
import glob
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

CHECKS = re.compile(r"^checks: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
CMOCKA_OK = re.compile(r"\[       OK \] ")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] (\d+) test\(s\)")
PYTHON_RAN = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.M)
PYTHON_BAD = re.compile(r"\b(?:failures|errors)=(\d+)")
PYTHON_SKIPPED = re.compile(r"\bskipped=(\d+)")
CMOCKA_SKIPPED = re.compile(r"\[  SKIPPED \] (\d+) test\(s\)")


def count_output(text):
    """(passed, failed, skipped) as reported by one program; all zero when it reports nothing."""
    passed = len(CMOCKA_OK.findall(text))
    failed = sum(int(n) for n in CMOCKA_FAILED.findall(text))
    skipped = sum(int(n) for n in CMOCKA_SKIPPED.findall(text))
    for good, bad, none in CHECKS.findall(text):
        passed += int(good)
        failed += int(bad)
        skipped += int(none or 0)
    ran = sum(int(n) for n in PYTHON_RAN.findall(text))
    if ran:
        verdict = text[text.rindex("Ran "):]
        bad = sum(int(n) for n in PYTHON_BAD.findall(verdict))
        none = sum(int(n) for n in PYTHON_SKIPPED.findall(verdict))
        passed, failed, skipped = passed + max(ran - bad - none, 0), failed + bad, skipped + none
    return passed, failed, skipped


def count_case(case):
    status = case.get("status")
    if status in ("notrun", "disabled") or case.find("skipped") is not None:
        # ctest reports a program that could not be started as "notrun" too: that is a failure, not a skip.
        skip = case.find("skipped")
        wanted = skip is not None and "SKIP" in (skip.get("message") or "")
        return (0, 0, 1) if wanted or status == "disabled" else (0, 1, 0)
    passed, failed, skipped = count_output(case.findtext("system-out") or "")
    broken = status == "fail" or case.find("failure") is not None
    if broken and failed == 0:
        failed = 1
    if not broken and failed > 0:
        print(f"{case.get('name')}: reported failures but ended as if all were well", file=sys.stderr)
    if passed + failed + skipped == 0:
        passed = 1
    return passed, failed, skipped


def main():
    total = [0, 0, 0]
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.xml"))):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            total = [a + b for a, b in zip(total, count_case(case))]
    total[1] += len(glob.glob(os.path.join(sys.argv[1], "*.broken")))
    passed, failed, skipped = total
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs the README's "Try it by hand" as it stands there, line by line, in a copy of the checkout's layout.

    test_readme.py BUILD        BUILD: the folder with referrald and referralctl

The block is taken from README.md itself, so the document cannot drift from the program. Only the folder build/ is
another: a temporary one, so that the test leaves nothing behind and never meets a daemon that a person has started.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXPECTED = [r"WW-[0-9A-Z]{4}-[0-9A-Z]{4}", r"greater-manchester/intake", r"by_referrer_area", r"chain verified",
            r"configuration ok"]


def block():
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    found = re.search(r"## Try it by hand\n.*?```sh\n(.*?)```", text, re.S)
    assert found, "README.md has no block of commands under 'Try it by hand'"
    return found.group(1)


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="rfl_readme_") as folder:
        os.makedirs(os.path.join(folder, "build"))
        os.symlink(build, os.path.join(folder, "build", "release"))
        os.symlink(os.path.join(ROOT, "config"), os.path.join(folder, "config"))
        run = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", block()], cwd=folder, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    missing = [pattern for pattern in EXPECTED if not re.search(pattern, run.stdout)]
    if run.returncode != 0 or missing:
        print(run.stdout)
        print("exit status", run.returncode, "; not found:", missing)
        print("0 passed, 1 failed")
        return 1
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The unit file and the program agree: what systemd would leave of the system calls is enough to serve, and not more.

    test_unit.py BUILD           where referrald, referralctl and under_filter were built; run from the project's root

No systemd runs here (test_under_systemd.py has one): its own systemd-analyze says which calls each group of
SystemCallFilter= stands for, and under_filter applies them.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
UNIT = "config/systemd/referrald.service"
DEADLINE_S = 30


def settings():
    """[(key, value)] of [Service], in order."""
    with open(UNIT, encoding="utf-8") as f:
        service = f.read().split("[Service]")[1].split("[Install]")[0]
    return re.findall(r"^(\w+)=(.*)$", service, re.M)


def groups():
    """{"@group": [names, some of them groups]} as this systemd has them."""
    said = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in said.splitlines():
        if line.startswith("@"):
            current = found.setdefault(line.strip(), [])
        elif line.startswith("#"):
            current = None
        elif current is not None and line.strip() and not line.strip().startswith("#"):
            current.append(line.strip())
    return found


def expand(name, known):
    return set().union(*(expand(n, known) for n in known[name])) if name.startswith("@") else {name}


def left_by(lines, known):
    """The calls that are left by SystemCallFilter= lines, the first of them an allow-list."""
    left = expand("@default", known)
    for line in lines:
        takes_away = line.startswith("~")
        for name in line.lstrip("~").split():
            left = left - expand(name, known) if takes_away else left | expand(name, known)
    return left


def unit_leaves():
    """What SystemCallFilter= and RestrictAddressFamilies= leave together, as under_filter wants it."""
    left = left_by([value for key, value in settings() if key == "SystemCallFilter"], groups())
    families = dict(settings())["RestrictAddressFamilies"].split()
    return left - {"socket"} | {f"socket {int(getattr(socket, name))}" for name in families}


class UnitTest(unittest.TestCase):
    def serve(self, left):
        """Starts the daemon with these calls only, asks it how it is, stops it. Returns (exit status, its log)."""
        with tempfile.TemporaryDirectory(prefix="rfl-unit-") as folder:
            os.mkdir(f"{folder}/run", 0o700)
            admin = f"ipc://{folder}/run/admin"
            subprocess.run([f"{BUILD}/referralctl", "--any-fs", "init", f"{folder}/store"], check=True,
                           stdout=subprocess.DEVNULL)
            with open(f"{folder}/referrald.conf", "w", encoding="utf-8") as f:
                f.write(f'schema_version = 1;\nstore_dir = "{folder}/store";\nstore_any_fs = true;\n'
                        f'policy_dir = "{os.path.abspath("config/policy")}";\ndoors = "ipc://{folder}/run/doors";\n'
                        f'workers = "tcp://127.0.0.1:*";\nadmin = "{admin}";\nlog_format = "logfmt";\n'
                        'without_keys = true;\nend_of_config = true;\n')
            with open(f"{folder}/list", "w", encoding="utf-8") as f:
                f.write("".join(name + "\n" for name in sorted(left)))
            with open(f"{folder}/log", "wb") as log:
                daemon = subprocess.Popen([f"{BUILD}/under_filter", f"{folder}/list", f"{BUILD}/referrald", "-c",
                                           f"{folder}/referrald.conf"], stdout=log, stderr=log)
            until, answered = time.monotonic() + DEADLINE_S, False
            while not answered and daemon.poll() is None and time.monotonic() < until:
                answered = subprocess.run([f"{BUILD}/referralctl", "status"], capture_output=True, check=False,
                                          env=dict(os.environ, REFERRALD_ADMIN=admin)).returncode == 0
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGHUP)
                daemon.send_signal(signal.SIGTERM if answered else signal.SIGKILL)
            status = daemon.wait(timeout=DEADLINE_S)
            with open(f"{folder}/log", encoding="utf-8", errors="replace") as f:
                return status if answered else status or "never answered", f.read()

    def test_the_daemon_serves_under_the_units_filter(self):
        status, log = self.serve(unit_leaves())
        self.assertEqual(status, 0, log)
        self.assertIn("event=daemon.ready", log)

    def test_the_tester_sees_a_filter_that_is_too_tight(self):
        netlink = f"socket {int(socket.AF_NETLINK)}"        # libzmq looks for an interface of the address's name
        for name in ("seccomp", "fdatasync", netlink):
            with self.subTest(without=name):
                self.assertIn(name, unit_leaves())
                self.assertNotEqual(self.serve(unit_leaves() - {name})[0], 0)

    def test_the_unit_allows_what_the_program_needs_and_no_more(self):
        unit = dict(settings())
        self.assertEqual(unit["LimitCORE"], "0")                    # as sandbox_start does by itself
        self.assertEqual(unit["NoNewPrivileges"], "yes")
        self.assertEqual(unit["UMask"], "0077")
        self.assertEqual(unit["CapabilityBoundingSet"], "")         # started as its user: nothing to drop
        self.assertNotIn(unit["User"], ("", "root"))
        self.assertEqual(unit["MemoryDenyWriteExecute"], "yes")     # as the filter refuses memory that is run
        self.assertIn("MemoryMax", unit)
        self.assertGreaterEqual(int(unit["LimitMEMLOCK"].rstrip("K")), 64)      # the pages keys lie in
        for code in ("64", "66", "74", "78"):
            self.assertIn(code, unit["RestartPreventExitStatus"].split())


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The life of a key, as an operator lives it with referralctl against a real daemon: made, allowed, changed without a
gap, revoked, about to end; and files that are not as they should be. Run from the project's root: test_keys_life.py BIN
"""
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402

BIN = os.path.abspath(sys.argv.pop())
DEADLINE_S = 30


def day(distance):
    return (datetime.date.today() + datetime.timedelta(days=distance)).isoformat()


class Keys(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="rfl-keys.", dir="/tmp")
        os.mkdir(f"{self.dir}/run", 0o700)
        self.keys, self.log, self.daemon = f"{self.dir}/keys.conf", f"{self.dir}/log", None
        self.ok("--any-fs", "init", f"{self.dir}/store")
        self.ok("keys", "new", "--server", "--out", f"{self.dir}/server.key")
        self.make("op", "operator:op", "read,keys", day(200))
        with open(f"{self.dir}/referrald.conf", "w", encoding="utf-8") as f:
            f.write(f'schema_version = 1;\nstore_dir = "{self.dir}/store";\nstore_map = "64MiB";\n'
                    'store_any_fs = true;\n'
                    f'policy_dir = "{os.path.abspath("config/policy")}";\ndoors = "tcp://127.0.0.1:*";\n'
                    f'workers = "tcp://127.0.0.1:*";\nadmin = "ipc://{self.dir}/run/admin";\n'
                    f'server_key = "{self.dir}/server.key";\nkeys_file = "{self.keys}";\nlog_format = "logfmt";\n'
                    'end_of_config = true;\n')

    def tearDown(self):
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGTERM)
            self.assertEqual(self.daemon.wait(DEADLINE_S), 0, self.said())
        canary.leave(self.dir, BIN)

    def run_ctl(self, *words, identity=None):
        env = dict(os.environ, REFERRALD_KEYS=self.keys, REFERRALD_ADMIN=f"ipc://{self.dir}/run/admin", USER="tester")
        env.pop("REFERRALD_IDENTITY", None)
        if identity is not None:
            env["REFERRALD_IDENTITY"] = f"{self.dir}/{identity}.key"
        return subprocess.run([f"{BIN}/referralctl", *words], capture_output=True, text=True, env=env, check=False)

    def ok(self, *words, identity=None):
        done = self.run_ctl(*words, identity=identity)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def no(self, code, text, *words, identity=None):
        done = self.run_ctl(*words, identity=identity)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        self.assertIn(text, done.stdout + done.stderr)

    def make(self, name, who, rights, until, identity=None):
        made = json.loads(self.ok("keys", "new", name, "--out", f"{self.dir}/{name}.key", "--trust",
                                  f"{self.dir}/server.key", "--json"))
        self.ok("keys", "allow", name, who, rights, "--public", made["public"], "--owner", "the tests", "--until",
                until, "--reason", "needed", "--execute", identity=identity)

    def said(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def await_log(self, text):
        until = time.monotonic() + DEADLINE_S
        while text not in self.said():
            self.assertLess(time.monotonic(), until, f"{text} is not in:\n{self.said()}")
            time.sleep(0.02)

    def start(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen([f"{BIN}/referrald", "-c", f"{self.dir}/referrald.conf"], stderr=log)
        self.await_log("event=daemon.ready")
        self.doors = json.loads(self.ok("status", "--json", identity="op"))["bind"].split()[0]

    def listed(self):
        return {row["name"]: row for row in json.loads(self.ok("keys", "list", "--json"))}

    def test_no_daemon_without_keys(self):
        def refused(text):
            done = subprocess.run([f"{BIN}/referrald", "-c", f"{self.dir}/referrald.conf"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 78)
            self.assertIn(text, done.stderr)
            self.assertIn("referralctl keys new", done.stderr)
        os.rename(self.keys, self.keys + ".away")
        refused("there is no file of keys")
        os.rename(self.keys + ".away", self.keys)
        os.rename(f"{self.dir}/server.key", f"{self.dir}/away")
        refused("the daemon has no key of its own")

    def test_open_files_are_refused(self):
        self.start()
        for mode in (0o640, 0o604):
            os.chmod(f"{self.dir}/op.key", mode)
            self.no(66, "must be closed to everybody else", "status", identity="op")
        os.chmod(f"{self.dir}/op.key", 0o600)
        self.ok("status", identity="op")
        os.chmod(self.keys, 0o664)
        self.no(65, "others than its owner can write it", "keys", "reload", "--reason", "r", "--execute", identity="op")
        os.chmod(self.keys, 0o644)
        self.no(73, "left as it is", "keys", "new", "op", "--out", f"{self.dir}/op.key", "--trust",
                f"{self.dir}/server.key")
        os.chmod(f"{self.dir}/server.key", 0o644)
        done = subprocess.run([f"{BIN}/referrald", "-t", "-c", f"{self.dir}/referrald.conf"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("must be closed to everybody else", done.stderr)

    def test_changed_without_a_gap(self):
        self.make("gp", "source:gp-north", "gp,self", day(30))
        self.start()
        self.ok("keys", "rotate", "gp", "--out", f"{self.dir}/gp-2.key", "--trust", f"{self.dir}/server.key",
                "--overlap", "7d", "--reason", "yearly", "--execute", identity="op")
        rows = self.listed()
        self.assertEqual([rows[n]["until"] for n in ("gp", "gp-2")], [day(8), day(30)])
        self.assertEqual(rows["gp"]["may"], rows["gp-2"]["may"])
        for name in ("gp", "gp-2"):                     # both, for the overlap
            self.assertIn("gp-north", self.ok("keys", "test", name, "--endpoint", self.doors, identity=name))
        self.no(1, "another key than the one named", "keys", "test", "gp", "--endpoint", self.doors, identity="gp-2")
        self.ok("keys", "revoke", "gp", "--reason", "all moved", "--execute", identity="op")
        self.no(77, "revoked, expired or not good yet", "keys", "test", "gp", "--endpoint", self.doors, identity="gp")
        self.ok("keys", "test", "gp-2", "--endpoint", self.doors, identity="gp-2")
        self.no(1, "revoked already", "keys", "revoke", "gp", "--reason", "again", "--execute", identity="op")
        with open(self.keys, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("tester: yearly", text)
        self.assertIn("all moved", text)

    def test_nothing_or_all_of_it(self):
        self.make("gp", "source:gp-north", "gp", day(200))
        self.start()
        with open(self.keys, encoding="utf-8") as f:
            good = f.read()
        bad = re.sub(r"# needed|#[^\n]*needed", "# a hand's comment", good).replace('doors = ( "gp" )',
                                                                                   'doors = ( "gp", "chemist" )')
        with open(self.keys, "w", encoding="utf-8") as f:
            f.write(bad.replace("operator = ", "revoked = true; operator = "))
        self.no(65, "no door has that name", "keys", "reload", "--reason", "r", "--execute", identity="op")
        self.daemon.send_signal(signal.SIGHUP)
        self.await_log("event=reload.kept_old")
        self.ok("status", identity="op")                # revoked in a file that was not taken
        self.ok("keys", "test", "gp", "--endpoint", self.doors, identity="gp")
        self.no(65, "no door has that name", "keys", "revoke", "gp", "--reason", "r", "--execute", identity="op")
        with open(self.keys, "w", encoding="utf-8") as f:
            f.write(good.replace('name = "gp"', '# kept\n    name = "gp"'))
        self.ok("keys", "revoke", "gp", "--reason", "r", "--dry-run", identity="op")
        self.assertEqual(self.listed()["gp"]["state"], "good")
        self.ok("keys", "revoke", "gp", "--reason", "r", "--execute", identity="op")
        with open(self.keys, encoding="utf-8") as f:
            self.assertIn("# kept", f.read())
        with open(self.keys, "w", encoding="utf-8") as f:
            f.write(good)
        self.no(77, "revoked", "keys", "test", "gp", "--endpoint", self.doors, identity="gp")
        self.daemon.send_signal(signal.SIGHUP)          # HUP takes keys.conf as well
        self.await_log("event=reload.done")
        self.ok("keys", "test", "gp", "--endpoint", self.doors, identity="gp")

    def test_the_end_is_told_beforehand(self):
        for name, days in (("far", 40), ("month", 20), ("week", 5), ("tomorrow", 1)):
            self.make(name, "source:gp-north", "gp", day(days))
        self.start()
        self.await_log("name=tomorrow")
        ending = re.findall(r"event=key\.ending name=(\S+)", self.said())
        self.assertEqual(sorted(ending), ["month", "tomorrow", "week"])     # once each, and no word of the far one
        status = json.loads(self.ok("status", "--json", identity="op"))
        self.assertEqual({row["name"] for row in status["keys_ending"]}, {"month", "week", "tomorrow"})
        self.assertEqual(status["keys"], 5)
        self.assertIn("keys rotate", self.ok("status", identity="op"))
        self.assertEqual({n: r["state"] for n, r in self.listed().items()}, {n: "good" for n in self.listed()})


if __name__ == "__main__":
    unittest.main(verbosity=2)

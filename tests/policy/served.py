"""A real daemon on a folder of its own, with a copy of config/policy that a test may change, and referralctl to ask it.

Every wait is for a state, with a deadline.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402

BIN = os.path.abspath(os.environ["RFL_BIN"])
DEADLINE_S = 30
CONF = """schema_version = 1;
store_dir = "{dir}/store";
store_map = "256MiB";
store_any_fs = true;
policy_dir = "{dir}/policy";
directory_dir = "";
doors = "ipc://{dir}/run/doors";
workers = "ipc://{dir}/run/workers";
without_keys = true;
admin = "ipc://{dir}/run/admin";
log_format = "logfmt";
end_of_config = true;
"""


class Served(unittest.TestCase):
    def setUp(self):
        base = tempfile.gettempdir()
        self.dir = tempfile.mkdtemp(prefix="rfl-policy.", dir=base if len(base) <= 60 else "/tmp")
        self.policy, self.store, self.daemon = self.dir + "/policy", self.dir + "/store", None
        self.archive = self.store + "/policies"
        os.mkdir(self.dir + "/run", 0o700)
        shutil.copytree("config/policy", self.policy)
        self.write(self.dir + "/referrald.conf", CONF.format(dir=self.dir))
        self.ctl("--any-fs", "init", self.store)

    def tearDown(self):
        if self.daemon is not None:
            self.stop()
        canary.leave(self.dir, BIN)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def change(self, name, old, new):
        """Replaces one place in a policy file."""
        text = self.read(f"{self.policy}/{name}")
        self.assertEqual(text.count(old), 1, f"{old} in {name}")
        self.write(f"{self.policy}/{name}", text.replace(old, new))

    def forget_tests(self, policy=None):
        """The rules that a test writes are not what the shipped tests expect."""
        shutil.rmtree((policy or self.policy) + "/tests.d")

    def start(self):
        with open(self.dir + "/log", "ab") as log:
            self.daemon = subprocess.Popen([BIN + "/referrald", "-c", self.dir + "/referrald.conf"], stderr=log,
                                           stdout=log)
        until = time.monotonic() + DEADLINE_S
        while self.run_ctl("status").returncode != 0:
            self.assertTrue(time.monotonic() < until and self.daemon.poll() is None, self.log())

    def stop(self, how=signal.SIGTERM, code=0):
        self.daemon.send_signal(how)
        self.assertEqual(self.daemon.wait(DEADLINE_S), code)
        self.daemon = None

    def log(self):
        return self.read(self.dir + "/log")

    def await_log(self, text, since=0):
        until = time.monotonic() + DEADLINE_S
        while text not in self.log()[since:]:
            self.assertLess(time.monotonic(), until, f"{text} is not in\n{self.log()[since:]}")
            time.sleep(0.01)
        return self.log()[since:]

    def check(self, *arguments):
        """referrald -t: its exit code and what it printed."""
        done = subprocess.run([BIN + "/referrald", "-c", self.dir + "/referrald.conf", *arguments], text=True,
                              capture_output=True, timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout + done.stderr

    def run_ctl(self, *arguments):
        env = dict(os.environ, REFERRALD_ADMIN=f"ipc://{self.dir}/run/admin",
                   REFERRALD_DOORS=f"ipc://{self.dir}/run/doors", TZ="Europe/London", USER="tester")
        return subprocess.run([BIN + "/referralctl", *arguments], capture_output=True, text=True, env=env,
                              timeout=4 * DEADLINE_S, check=False)

    def ctl(self, *arguments, code=0):
        done = self.run_ctl(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments, code=0):
        return json.loads(self.ctl(*arguments, "--json", code=code))

    def act(self, *arguments, code=0, reason="a test"):
        return self.ask(*arguments, "--execute", "--reason", reason, code=code)

    def submit(self, reference, source="local-service-manchester", **form):
        form = {"door": "local_service", "consent": "given", "person": {"name": f"{canary.NAME} {reference}"}, **form}
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as given:   # not among what is left
            json.dump(form, given)
            given.flush()
            return self.ask("submit", given.name, "--source", source, "--reference", reference)

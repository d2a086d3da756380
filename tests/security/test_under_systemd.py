#!/usr/bin/python3
"""The service as tools/README.md, "As a service", installs it, under a real systemd: it serves with its keys as
credentials, is stopped, reloaded, killed, stuck and wrongly configured, and its walls are looked at from outside.

    tests/security/under_systemd BUILD /src/tests/security/test_under_systemd.py --bin /build

The lines that install it are the document's own, and the unit is the shipped one.
"""
import datetime
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

ROOT = "/src"
sys.path.insert(0, f"{ROOT}/tests/e2e")
HERE = os.getcwd()
os.chdir(ROOT)                                  # where protoc looks for the schema
import test_python_client as base               # noqa: E402
from client import Adapter, Worker, read_identity           # noqa: E402
os.chdir(HERE)
import canary                                   # noqa: E402

DEADLINE_S = 60
UNIT, CONF, POLICY = "referrald.service", "/etc/referrald/referrald.conf", "/etc/referrald/policy"
STORE, DROP_IN = "/var/lib/referrald/store", "/run/systemd/system/referrald.service.d"
DOORS, WORKERS, QUEUE = "tcp://127.0.0.1:5701", "tcp://127.0.0.1:5702", "greater-manchester/intake"
PEOPLE = {"anna": ("operator:anna", "read,policy,audit,keys"), "gp": ("source:gp-north", "gp"),
          "desk": ("worker:desk-1", QUEUE)}


def run(*words, code=0, env=None, user=None):
    """What a command printed; its exit status must be `code`."""
    if user is not None:
        words = ("runuser", "-u", user, "--", *words)
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=dict(os.environ, **(env or {})), timeout=DEADLINE_S)
    if code is not None and done.returncode != code:
        log = subprocess.run(["journalctl", "-n", "20", "--no-pager"], capture_output=True, text=True, check=False)
        raise AssertionError((words, done.returncode, done.stdout, log.stdout))
    return done.stdout


def ctl(*words, code=0, user=None, key="/tmp/keys/anna.key"):
    return run("referralctl", *words, code=code, user=user, env={"REFERRALD_IDENTITY": key})


def shown(name):
    return run("systemctl", "show", "-P", name, UNIT).strip()


def said(lines):
    """The last lines of the service's journal."""
    return run("journalctl", "-u", UNIT, "-n", str(lines), "-o", "cat", "--no-pager")


def wait_until(holds, what):
    until = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"never came: {what}\n" + run("systemctl", "status", "--no-pager", UNIT, code=None))
        time.sleep(0.05)


def document():
    """The blocks of shell lines of the document's part, in order."""
    with open(f"{ROOT}/tools/README.md", encoding="utf-8") as f:
        part = f.read().split("**As a service.**")[1].split("\n**")[0]
    return re.findall(r"```sh\n(.*?)```", part, re.S)


def change(path, old, new):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        raise AssertionError(f"{path} has no {old}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))


def setUpModule():
    run("bash", "-euc", document()[0])
    os.mkdir("/tmp/keys", 0o700)
    until = (datetime.date.today() + datetime.timedelta(days=100)).isoformat()
    for name, (who, rights) in PEOPLE.items():
        out = f"/tmp/keys/{name}.key"
        made = json.loads(ctl("keys", "new", name, "--out", out, "--trust", "/etc/referrald/server.key", "--json"))
        ctl("keys", "allow", name, who, rights, "--public", made["public"], "--owner", "the tests", "--until", until,
            "--reason", "needed", "--execute")
    run("bash", "-euc", document()[1])


def tearDownModule():
    """Nobody is named in the store, the journal or what systemd keeps of the service."""
    run("systemctl", "stop", UNIT)
    os.mkdir("/tmp/left")
    with open("/tmp/left/journal", "w", encoding="utf-8") as f:
        f.write(run("journalctl", "--no-pager", "-o", "export"))
    for place in ("/tmp/left", "/var/lib/referrald", "/run/systemd", "/etc/referrald"):
        canary.search(place, "/build")


class Service(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.restore)

    def restore(self):
        """The service as it was installed, running."""
        run("rm", "-rf", DROP_IN)
        run("systemctl", "daemon-reload")
        run("systemctl", "reset-failed", UNIT, code=None)
        run("systemctl", "start", UNIT)

    def drop_in(self, *lines):
        os.makedirs(DROP_IN, exist_ok=True)
        with open(f"{DROP_IN}/test.conf", "w", encoding="utf-8") as f:
            f.write("\n".join(("[Service]", *lines)) + "\n")
        run("systemctl", "daemon-reload")

    def send(self, reference):
        """A receipt, by way of CURVE and tcp."""
        with Adapter(DOORS, "gp-north", read_identity("/tmp/keys/gp.key")) as adapter:
            return adapter.submit(reference, base.referral(name=reference))

    def again(self, reference, receipt):
        """The same referral once more hears the same receipt: it was not lost."""
        replayed = self.send(reference)
        self.assertEqual((replayed.receipt, replayed.replayed), (receipt.receipt, True))

    def another_daemon(self, before):
        wait_until(lambda: shown("ActiveState") == "active" and shown("MainPID") not in ("0", before), "a restart")

    def failed_for_good(self, status):
        """It did not start, with this exit status, and nobody tries again."""
        run("systemctl", "restart", UNIT, code=1)
        self.assertEqual([shown(name) for name in ("ActiveState", "Result", "ExecMainStatus", "NRestarts")],
                         ["failed", "exit-code", str(status), "0"])

    def test_01_it_serves(self):
        self.assertEqual(shown("ActiveState"), "active")
        self.assertIn("serving", shown("StatusText"))
        receipt = self.send("first")
        self.assertEqual(receipt.queue, QUEUE)
        with Worker(WORKERS, "desk-1", read_identity("/tmp/keys/desk.key")) as worker:
            worker.subscribe([QUEUE], 1)
            self.assertIn(canary.NAME.encode(), worker.accept(worker.offer())[0].SerializeToString())
        self.again("first", receipt)

    def test_02_operators_are_root_or_its_user(self):
        self.assertIn("it adds up", ctl("status"))
        run("install", "-o", "referrald", "-m", "600", "/tmp/keys/anna.key", "/tmp/theirs.key")
        self.assertIn("it adds up", ctl("status", user="referrald", key="/tmp/theirs.key"))
        run("install", "-o", "nobody", "-m", "600", "/tmp/keys/anna.key", "/tmp/nobodys.key")
        ctl("status", "--timeout", "2", user="nobody", key="/tmp/nobodys.key", code=69)

    def test_03_its_walls_stand(self):
        pid = shown("MainPID")
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = dict(re.findall(r"^(\w+):\t(.*)$", f.read(), re.M))
        user = run("id", "-u", "referrald").strip()
        self.assertEqual([status[key] for key in ("Seccomp", "NoNewPrivs", "Umask")], ["2", "1", "0077"])
        self.assertEqual({status[key] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16})
        self.assertEqual(status["Uid"].split(), [user] * 4)
        self.assertGreater(int(status["VmLck"].split()[0]), 0)          # keys are locked
        limits = run("cat", f"/proc/{pid}/limits")
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        self.assertRegex(limits, r"Max locked memory +8388608 +8388608 ")
        # A container may be forbidden to raise it: systemd then gives what there is, as of itself.
        ours = run("cat", "/proc/1/limits")
        files = [int(re.search(r"Max open files +\d+ +(\d+)", text).group(1)) for text in (limits, ours)]
        self.assertEqual(files[0], min(65536, files[1]) if files[1] < 65536 else 65536)
        self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)         # not dumpable

    def test_04_it_writes_where_it_should_and_nowhere_else(self):
        pid = shown("MainPID")
        for folder in ("/var/lib/referrald", "/run/referrald", "/tmp", "/var/tmp"):
            run("nsenter", "-t", pid, "-m", "rm", "-f", f"{folder}/.probe")
            run("nsenter", "-t", pid, "-m", "touch", f"{folder}/.probe")
            run("nsenter", "-t", pid, "-m", "rm", f"{folder}/.probe")
        for folder in ("/", "/etc", "/etc/referrald", "/usr/bin", "/var", "/var/lib", "/run", "/run/lock", "/root",
                       "/dev", "/dev/shm", "/proc/sys", "/sys/fs/cgroup", "/run/credentials/referrald.service"):
            self.assertRegex(run("nsenter", "-t", pid, "-m", "touch", f"{folder}/.probe", code=1),
                             "Read-only file system|Permission denied|No such file", folder)
        self.assertEqual(run("nsenter", "-t", pid, "-m", "ls", "/root"), "")
        self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/ipc"), os.readlink("/proc/1/ns/ipc"))   # its own /dev/mqueue
        for path, mode, owner in (("/var/lib/referrald", "700", "referrald"), (STORE, "700", "referrald"),
                                  (f"{STORE}/data.mdb", "600", "referrald"), (f"{STORE}/policies", "700", "referrald"),
                                  ("/run/referrald", "700", "referrald"), ("/etc/referrald", "755", "root"),
                                  ("/run/credentials/referrald.service", "500", "referrald"),
                                  ("/run/credentials/referrald.service/master.key", "400", "referrald"),
                                  ("/run/credentials/referrald.service/server.key", "400", "referrald")):
            self.assertEqual(run("stat", "-c", "%a %U", path).split(), [mode, owner], path)
        for left in (f"{STORE}/master.key", "/etc/referrald/server.key"):
            self.assertFalse(os.path.exists(left), left)

    def test_05_it_stops_in_order(self):
        receipt = self.send("before the stop")
        run("systemctl", "stop", UNIT)
        self.assertEqual([shown(name) for name in ("ActiveState", "Result", "ExecMainStatus")],
                         ["inactive", "success", "0"])
        self.assertIn("event=daemon.stopped exit=0", said(5))
        self.assertFalse(os.path.exists("/run/referrald"))
        self.assertFalse(os.path.exists("/run/credentials/referrald.service"))
        run("systemctl", "start", UNIT)
        self.again("before the stop", receipt)

    def test_06_what_it_kept_can_be_checked(self):
        ctl("audit", "export", "--out", "/tmp/log.ndjson")
        self.assertIn("GOOD", ctl("audit", "verify", "/tmp/log.ndjson"))
        if not os.path.exists("/run/dbus/system_bus_socket"):
            self.skipTest("systemd-run --pipe wants dbus, which this machine has not")
        run("systemctl", "stop", UNIT)
        self.assertIn("chain verified", run("bash", "-euc", document()[2]))
        self.assertEqual(run("find", "/var/lib/referrald", "!", "-user", "referrald"), "")

    def test_07_it_reloads(self):
        def in_force():
            return json.loads(ctl("status", "--json"))["policy"]

        pid, before = shown("MainPID"), in_force()
        change(f"{POLICY}/routes.d/greater-manchester.conf", "capacity = ", "capacity = 1")
        run("systemctl", "reload", UNIT)
        wait_until(lambda: in_force() != before, "another policy")
        after = in_force()
        change(f"{POLICY}/areas.conf", "schema_version", "schema_vision")
        self.addCleanup(run, "cp", f"{ROOT}/config/policy/areas.conf", f"{POLICY}/areas.conf")
        run("systemctl", "reload", UNIT)
        wait_until(lambda: "the last reload was refused" in shown("StatusText"), "a refusal")
        self.assertEqual((in_force(), shown("MainPID"), shown("ActiveState")), (after, pid, "active"))
        self.assertIn("event=reload.kept_old", run("journalctl", "-u", UNIT, "-p", "err", "-o", "cat", "--no-pager"))
        # Pinned is pinned: the folder is still broken, and a start does not look at it.
        ctl("policy", "rollback", "--reason", "for the test", "--execute")
        run("systemctl", "restart", UNIT)
        self.assertEqual((in_force(), shown("ActiveState")), (before, "active"))
        change(f"{POLICY}/areas.conf", "schema_vision", "schema_version")
        change(f"{POLICY}/routes.d/greater-manchester.conf", "capacity = 1", "capacity = ")
        ctl("policy", "load", "--reason", "for the test", "--execute")
        self.assertEqual(in_force(), before)

    def test_08_killed_it_comes_back_with_its_keys(self):
        receipt, pid = self.send("before the kill"), shown("MainPID")
        os.kill(int(pid), signal.SIGKILL)
        self.another_daemon(pid)
        self.assertEqual(shown("NRestarts"), "1")
        self.again("before the kill", receipt)

    def test_09_stuck_it_is_ended_and_comes_back(self):
        self.drop_in("WatchdogSec=2")
        run("systemctl", "restart", UNIT)
        receipt, pid = self.send("before it is stuck"), shown("MainPID")
        fed = shown("WatchdogTimestampMonotonic")
        wait_until(lambda: int(shown("WatchdogTimestampMonotonic")) > int(fed) + 4_000_000, "the watchdog being fed")
        self.assertEqual((shown("MainPID"), shown("NRestarts")), (pid, "0"))
        os.kill(int(pid), signal.SIGSTOP)
        self.another_daemon(pid)
        self.assertEqual(shown("NRestarts"), "1")
        self.again("before it is stuck", receipt)

    def test_10_a_bad_configuration_stays_down(self):
        change(CONF, "log_format", "log_formation")
        self.addCleanup(change, CONF, "log_formation", "log_format")
        self.failed_for_good(78)
        self.assertIn("log_formation", said(5))

    def test_11_a_missing_store_stays_down(self):
        run("systemctl", "stop", UNIT)
        os.rename(STORE, f"{STORE}.away")
        self.addCleanup(os.rename, f"{STORE}.away", STORE)
        self.failed_for_good(66)

    def test_12_another_stores_key_stays_down(self):
        with open("/tmp/keys/other.key", "wb") as f:
            f.write(os.urandom(32))
        self.drop_in("LoadCredentialEncrypted=", "LoadCredential=master.key:/tmp/keys/other.key",
                     "LoadCredentialEncrypted=server.key:/etc/referrald/server.key.cred")
        self.failed_for_good(74)

    def test_13_addresses_are_closed_until_they_are_allowed(self):
        """An address of this machine that is not localhost's stands for the network."""
        with socket.socket() as any_socket:
            SIOCSIFADDR = 0x8916
            fcntl.ioctl(any_socket, SIOCSIFADDR, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0,
                                                             socket.inet_aton("10.5.7.1")))
        if "does not support BPF/cgroup firewalling" in run("journalctl", "--no-pager"):
            self.skipTest("this kernel has no filter of addresses for services")
        change(CONF, DOORS, "tcp://10.5.7.1:5701")
        self.addCleanup(change, CONF, "tcp://10.5.7.1:5701", DOORS)
        self.failed_for_good(78)
        self.assertIn("this machine does not reach its own address", said(5))
        self.drop_in("IPAddressAllow=10.5.7.0/24")
        run("systemctl", "start", UNIT)
        self.assertEqual(shown("ActiveState"), "active")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + base.rest)

"""An adapter and an intake worker in Python with keys of their own, over tcp: the whole way of one referral, and what a
key does not allow.

    test_python_keys.py --bin DIR            where referrald and referralctl were built; run from the project's root
"""
import datetime
import json
import os
import signal
import subprocess
import time
import unittest

import test_python_client as base
from client import DEADLINE_S, Adapter, Connection, Worker, read_identity
from test_python_client import arguments, pb, referral, rest

QUEUE = "greater-manchester/intake"
KEYS = {"gp": ("source:gp-north", "gp"), "desk": ("worker:desk-keys", QUEUE), "reader": ("operator:reader", "read"),
        "lost": ("source:gp-south", "gp")}


class Daemon(base.Daemon):
    """With keys, made as an operator makes them."""

    def ctl(self, *words):
        done = subprocess.run([f"{arguments.bin}/referralctl", *words], capture_output=True, text=True, check=False,
                              env=dict(os.environ, REFERRALD_KEYS=f"{self.folder}/keys.conf", USER="tester"))
        if done.returncode != 0:
            raise AssertionError((words, done.stdout, done.stderr))
        return done.stdout

    def access(self):
        until = (datetime.date.today() + datetime.timedelta(days=100)).isoformat()
        trusted = f"{self.folder}/server.key"
        self.ctl("keys", "new", "--server", "--out", trusted)
        for name, (who, rights) in KEYS.items():
            out = f"{self.folder}/{name}.key"
            made = json.loads(self.ctl("keys", "new", name, "--out", out, "--trust", trusted, "--json"))
            self.ctl("keys", "allow", name, who, rights, "--public", made["public"], "--owner", "the tests",
                     "--until", until, "--reason", "needed", "--execute")
        self.ctl("keys", "revoke", "lost", "--reason", "lost", "--execute")
        self.identity = self.key("reader")
        self.doors = self.workers = "tcp://127.0.0.1:*"
        return f'server_key = "{trusted}";\nkeys_file = "{self.folder}/keys.conf";\n'

    def key(self, name):
        return read_identity(f"{self.folder}/{name}.key")

    def start(self):
        super().start()
        with Connection(self.admin, self.identity) as operator:
            bound = operator.expect("admin_status", pb.AdminStatus(), "admin_state").bind.split()
        self.doors, self.workers = bound[:2]


class KeysTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.end(signal.SIGTERM) == 0
        cls.daemon.remove()

    def adapter(self, source="gp-north", identity=None):
        adapter = Adapter(self.daemon.doors, source, identity or self.daemon.key("gp"))
        self.addCleanup(adapter.close)
        return adapter

    def worker(self, name="desk-keys"):
        worker = Worker(self.daemon.workers, name, self.daemon.key("desk"))
        self.addCleanup(worker.close)
        return worker

    def test_from_the_surgery_to_the_provider_and_back(self):
        adapter, worker = self.adapter(), self.worker()
        body = referral()
        receipt = adapter.submit("keys-1", body)
        self.assertEqual(receipt.queue, QUEUE)
        self.assertEqual(worker.subscribe([QUEUE], 4).queues, 1)
        offer = worker.offer()
        self.assertEqual([record.referral for record in worker.accept(offer)], [body])
        worker.done(pb.Contacted, offer, channel=pb.CHANNEL_PHONE, reached=True)
        worker.done(pb.Started, offer)
        adapter.open_mailbox()
        heard = [adapter.feedback() for _ in range(2)]
        self.assertEqual([f.word for f in heard], ["accepted", "started"])
        self.assertEqual({f.receipt for f in heard}, {receipt.receipt})
        self.assertEqual(adapter.acknowledge(heard[-1].sequence).upto, heard[-1].sequence)
        shown = adapter.expect("key_show", pb.KeyShow(), "key_shown")
        self.assertEqual((shown.name, shown.kind, shown.who, list(shown.may)), ("gp", "source", "gp-north", ["gp"]))
        worker.goodbye()

    def test_a_key_speaks_for_its_owner_and_its_rights(self):
        for refusal in (
                self.adapter("gp-south").submit_refused("keys-2", referral()),
                self.adapter().submit_refused("keys-3", referral(door=pb.DOOR_SELF)),
                self.worker().refused("subscribe", pb.Subscribe(worker="desk-keys", queues=["dorset/intake"])),
                self.worker("desk-other").refused("subscribe", pb.Subscribe(worker="desk-other", queues=[QUEUE]))):
            self.assertEqual((refusal.code, refusal.retryable), (pb.CODE_NOT_PERMITTED, False))

    def test_nobody_without_a_good_key_is_heard(self):
        good = self.daemon.key("gp")
        public, secret = (key.decode() for key in base.zmq.curve_keypair())
        other, _ = (key.decode() for key in base.zmq.curve_keypair())
        for identity, counter in ((dict(good, public=public, secret=secret), "key_unknown"),
                                  (self.daemon.key("lost"), "key_revoked"),
                                  (dict(good, server=other), "bus_wrong_server_key"), (None, "bus_no_key")):
            self.unheard(identity, counter)

    def counter(self, name):
        with Connection(self.daemon.admin, self.daemon.identity) as operator:
            state = operator.expect("admin_status", pb.AdminStatus(), "admin_state")
        return next(counter.value for counter in state.counters if counter.name == name)

    def unheard(self, identity, counter):
        """Refused when it knocks, which the daemon counts; what it sent meanwhile is never answered."""
        before, until = self.counter(counter), time.monotonic() + DEADLINE_S
        with Connection(self.daemon.doors, identity) as connection:
            connection.send_bytes(pb.Envelope(version=1, correlation=1, key_show=pb.KeyShow()).SerializeToString())
            while self.counter(counter) == before:
                self.assertLess(time.monotonic(), until, counter)
            self.assertIsNone(connection.receive(0))


if __name__ == "__main__":
    unittest.main(argv=["test_python_keys.py"] + rest)

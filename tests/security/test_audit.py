#!/usr/bin/python3
"""A log that others can check: receipts that bear witness, exports, and two verifiers that agree about every forgery.

    test_audit.py --bin DIR             DIR: the folder with referrald and referralctl; run from the project's root
"""
import base64
import copy
import json
import os
import random
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import test_python_client as base                                               # noqa: E402
from client import Adapter, Connection                                          # noqa: E402
from test_python_client import arguments, nhs_number, pb, referral, rest        # noqa: E402
try:
    import audit_verify                                                         # noqa: E402
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

SOURCES = {"gp-north": "gp", "employer-portal": "employer", "jobcentre-feed": "jobcentre", "self-page": "self",
           "local-service-manchester": "local_service", "pharmacy-bridge": "pharmacist",
           "fit-note-birmingham": "fit_note_service", "provider-transfer": "provider", "talking-therapies": "other"}
SUBMITS, SAMPLES, SEED = 150, 12, 20261122


class AuditTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        """A day of a daemon: referrals through all doors, each receipt kept; two restarts; the log exported."""
        cls.daemon = base.Daemon()
        cls.folder, cls.receipts = cls.daemon.folder, {}
        cls.early = json.loads(cls.ctl("audit", "head"))
        with Adapter(cls.daemon.doors, "gp-north") as adapter:
            for i in range(SUBMITS):
                adapter.submit(f"audit-{i}", referral("QOP", reason=f"needle {i}"))
        for source, door in SOURCES.items():
            sent = {"door": door, "consent": "given", "person": {"name": "Wilhelmina Needle", "phone": "07700 900777",
                                                                 "nhs_number": nhs_number(4000 + len(door))}}
            cls.put(f"{door}.json", sent)
            out = cls.ctl("submit", cls.path(f"{door}.json"), "--source", source, "--reference", f"kept-{door}",
                          "--json")
            cls.receipts[door] = json.loads(out)
        cls.daemon.end(9)
        cls.daemon.start()
        cls.ctl("audit", "export", "--out", cls.path("good.ndjson"))
        with open(cls.path("good.ndjson"), encoding="utf-8") as f:
            cls.lines = [json.loads(line) for line in f]
        cls.entries = len(cls.lines) - 2

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove()

    # ---- helpers

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def put(cls, name, *lines):
        with open(cls.path(name), "w", encoding="utf-8") as f:
            f.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        return cls.path(name)

    @classmethod
    def run_ctl(cls, *words):
        env = dict(os.environ, REFERRALD_ADMIN=cls.daemon.admin, REFERRALD_DOORS=cls.daemon.doors, USER="ines")
        return subprocess.run([f"{arguments.bin}/referralctl", *words], stdout=subprocess.PIPE, text=True, env=env,
                              stderr=subprocess.STDOUT, timeout=60, check=False)

    @classmethod
    def ctl(cls, *words, code=0):
        done = cls.run_ctl(*words)
        assert done.returncode == code, (words, done.returncode, done.stdout)
        return done.stdout

    def both(self, name, *heads):
        """What the two verifiers say of a file: True, or the first bad entry and the words of each."""
        done = self.run_ctl("audit", "verify", self.path(name), *heads)
        self.assertIn(done.returncode, (0, 1), done.stdout)
        second = subprocess.run([sys.executable, "tools/audit_verify.py", self.path(name), *heads], text=True,
                                check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.returncode, second.returncode, (name, done.stdout, second.stdout))
        return done.returncode == 0, done.stdout, second.stdout

    def judge(self, lines):
        """(ours, theirs): the first bad entry as each says it; None: good."""
        self.put("forged.ndjson", *lines)
        done = self.run_ctl("audit", "verify", self.path("forged.ndjson"), "--json")
        said = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if said["good"] else 1)
        try:
            audit_verify.read(line if isinstance(line, str) else json.dumps(line) for line in lines)
            second = None
        except audit_verify.Bad as why:
            second = why.entry
        return None if said["good"] else said["entry"], second

    # ---- what is true

    def test_two_verifiers_find_a_true_log_true_and_every_kept_head_on_it(self):
        heads = [self.put(f"receipt-{door}.json", receipt) for door, receipt in self.receipts.items()]
        heads.append(self.put("early.json", self.early))
        good, ours, theirs = self.both("good.ndjson", *heads)
        self.assertTrue(good, ours + theirs)
        for said in (ours, theirs):
            self.assertIn(f"{self.entries} entries", said)
            self.assertIn(f"{len(heads)} kept heads", said)
        self.assertGreater(self.entries, SUBMITS + len(SOURCES))
        self.assertEqual(self.lines[-1]["head"]["sequence"], self.entries)
        with open(self.path("good.ndjson"), encoding="utf-8") as f:
            text = f.read()
        for word in ("Needle", "needle", "07700"):
            self.assertNotIn(word, text)
            self.assertNotIn(word.encode(), b"".join(base64.b64decode(line["bytes"]) for line in self.lines[1:-1]))

    def test_receipts_of_all_doors_verify_and_say_what_became_of_it(self):
        self.assertEqual(len(self.receipts), 9)
        for door, receipt in self.receipts.items():
            name = self.put(f"r-{door}.json", receipt)
            said = json.loads(self.ctl("receipt", "verify", name, "--audit", self.path("good.ndjson"), "--json"))
            self.assertTrue(said["good"])
            self.assertEqual((said["receipt"], said["entry"]), (receipt["receipt"], receipt["log_sequence"]))
            shown = json.loads(self.ctl("show", receipt["receipt"], "--json"))["row"]
            self.assertEqual((said["case"], said["status_now"]), (shown["case_code"], shown["status"]))
            self.assertGreaterEqual(receipt["head"]["sequence"], receipt["log_sequence"])

    def test_a_repeated_receipt_bears_witness_of_the_log_of_its_own_day(self):
        with Adapter(self.daemon.doors, "gp-north") as adapter:
            again = adapter.submit("audit-0", referral("QOP", reason="needle 0"))
        self.assertTrue(again.replayed)
        self.assertGreater(again.head.sequence, again.log_sequence + SUBMITS)
        self.assertEqual(len(again.head.signature), 64)
        self.assertEqual(again.head.public_key.hex(), self.lines[0]["public_key"])

    def test_a_forged_receipt_is_found(self):
        receipt = self.receipts["gp"]
        forgeries = ({"received_ms": receipt["received_ms"] + 1}, {"log_sequence": receipt["log_sequence"] - 1},
                     {"log_sequence": 1}, {"log_sequence": 0}, {"receipt": self.receipts["self"]["receipt"]},
                     {"head": dict(receipt["head"], sequence=receipt["head"]["sequence"] - 1)},
                     {"head": dict(receipt["head"], hash="00" * 32)}, {"head": {}},
                     {"head": dict(receipt["head"], epoch=77)}, {"head": dict(receipt["head"], at_ms=5)},
                     {"head": dict(receipt["head"], signature="11" * 64)},
                     {"head": dict(receipt["head"], store_id="22" * 16)})
        for forgery in forgeries:
            name = self.put("forged.json", dict(receipt, **forgery))
            said = self.ctl("receipt", "verify", name, "--audit", self.path("good.ndjson"), code=1)
            self.assertTrue(said.startswith("BAD"), (forgery, said))
        self.put("none.json", {})
        self.ctl("receipt", "verify", self.path("none.json"), "--audit", self.path("good.ndjson"), code=1)
        self.ctl("receipt", "verify", self.path("not-there"), "--audit", self.path("good.ndjson"), code=66)
        self.ctl("receipt", "verify", self.path("none.json"), "--audit", self.path("not-there"), code=66)
        self.ctl("receipt", "verify", self.path("none.json"), code=64)

    # ---- what is not: every kind of tampering, at sampled entries and at both ends

    def samples(self):
        middle = random.Random(SEED).sample(range(3, self.entries - 1), SAMPLES)
        return [1, 2, self.entries - 1, self.entries] + middle

    def expect_found(self, what, at, lines, *entries):
        ours, theirs = self.judge(lines)
        self.assertIn(ours, entries, (what, at))
        self.assertIn(theirs, entries, (what, at))

    def test_both_verifiers_find_every_forgery_and_name_the_entry(self):
        self.assertEqual(self.judge(self.lines), (None, None))
        for at in self.samples():
            without = self.lines[:at] + self.lines[at + 1:]
            self.expect_found("delete", at, without, at)
            renumbered = copy.deepcopy(without)
            for number, line in enumerate(renumbered[1:-1], 1):
                line["seq"] = number
            self.expect_found("delete and renumber", at, renumbered, at)
            edited = copy.deepcopy(self.lines)
            raw = bytearray(base64.b64decode(edited[at]["bytes"]))
            raw[len(raw) // 2] ^= 0x40
            edited[at]["bytes"] = base64.b64encode(raw).decode()
            self.expect_found("edit", at, edited, at)
            if at < self.entries:
                swapped = list(self.lines)
                swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
                self.expect_found("swap", at, swapped, at)
                self.expect_found("cut, with the head", at, self.lines[:at + 1] + self.lines[-1:], at + 1)
                self.expect_found("cut, without", at, self.lines[:at + 1], at + 1)
            twice = self.lines[:at + 1] + [self.lines[at]] + self.lines[at + 1:]
            self.expect_found("twice", at, twice, at + 1)

    def test_both_verifiers_find_what_is_wrong_with_the_file(self):
        head = self.lines[-1]["head"]
        for name, lines in (("no header", self.lines[1:]), ("no head", self.lines[:-1]), ("empty", []),
                            ("more behind", self.lines + [self.lines[1]]), ("no JSON", ["nothing"] + self.lines),
                            ("another key", [dict(self.lines[0], public_key="33" * 32)] + self.lines[1:]),
                            ("another store", [dict(self.lines[0], store_id="33" * 16)] + self.lines[1:]),
                            ("another format", [dict(self.lines[0], format="x")] + self.lines[1:]),
                            ("unsigned", self.lines[:-1] + [{"head": dict(head, signature="44" * 64)}]),
                            ("no bytes", self.lines[:2] + [{"seq": 2}] + self.lines[3:])):
            self.put("wrong.ndjson", *lines)
            self.assertFalse(self.both("wrong.ndjson")[0], name)

    def test_a_log_written_anew_is_found_by_whoever_kept_a_receipt(self):
        """Another store, whole and signed: only heads that were kept tell that it is not the log it replaces."""
        other = base.Daemon()
        self.addCleanup(other.remove)
        mine, self.daemon.admin = self.daemon.admin, other.admin
        try:
            self.ctl("audit", "export", "--out", self.path("other.ndjson"))
        finally:
            self.daemon.admin = mine
        self.assertTrue(self.both("other.ndjson")[0])
        kept = self.put("kept.json", self.early)
        self.assertFalse(self.both("other.ndjson", kept)[0])

    # ---- reading it

    def test_tail_status_and_journal_show_the_same_log(self):
        rows = json.loads(self.ctl("audit", "tail", "--limit", "5", "--json"))["entries"]
        self.assertEqual([row["sequence"] for row in rows], list(range(rows[0]["sequence"], rows[0]["sequence"] + 5)))
        with Connection(self.daemon.admin) as operator:
            state = operator.expect("admin_status", pb.AdminStatus(), "admin_state")
        self.assertEqual(rows[-1]["sequence"], state.head.sequence)
        self.assertIn("epoch_started", [row["what"] for row in json.loads(
            self.ctl("audit", "tail", "--limit", "1000", "--json"))["entries"]])
        table = self.ctl("audit", "tail", "--limit", "200")
        for word in ("gp-north", "received", "WC-"):
            self.assertIn(word, table)
        self.assertNotIn("Needle", table)
        self.assertIn(f"entry {state.head.sequence}, hash {state.head.hash.hex()[:16]}", self.ctl("status"))
        with open(self.path("log"), encoding="utf-8") as f:
            heads = [line.split() for line in f if "audit.head" in line]
        said = [dict(word.split("=", 1) for word in words if "=" in word) for words in heads]
        self.assertGreaterEqual(len(said), 2)                                       # one at least for each start
        for line in said:
            entry = base64.b64decode(self.lines[int(line["seq"])]["bytes"])
            self.assertEqual(line["hash"], audit_verify.hashlib.blake2b(entry, digest_size=32).hexdigest())
            self.assertEqual(len(line["signature"]), 128)

    def test_an_export_is_never_written_over_and_says_what_to_do(self):
        self.assertIn("not there yet", self.ctl("audit", "export", "--out", self.path("good.ndjson"), code=73))
        self.assertIn("--out", self.ctl("audit", "export", code=64))
        self.ctl("audit", "verify", self.path("nowhere"), code=66)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + rest)

#!/usr/bin/python3
"""A person with everything that can be said of one, from the first referral to the last backup: and then erased.

    test_erased.py --bin DIR            DIR: the folder with referrald, referralctl, canaries and wrapped_keys; run from
                                        the project's root

Every field of the protocol that can hold a word about a person holds all the canaries (tests/canaries.h) and its own
name. Before the erasure the person's own copy has every one of them; after it and a compaction no file and no answer
has one, nor the key that could open what was sealed.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import test_python_client as base                                               # noqa: E402
import canary                                                                   # noqa: E402
from client import Adapter, Connection, Worker                                  # noqa: E402
from test_python_client import arguments, nhs_number, pb, referral, rest        # noqa: E402

QUEUE, AREA = "greater-manchester/intake", "QOP"
DOORS = {"gp-north": pb.DOOR_GP, "jobcentre-feed": pb.DOOR_JOBCENTRE, "employer-portal": pb.DOOR_EMPLOYER,
         "self-page": pb.DOOR_SELF, "talking-therapies": pb.DOOR_OTHER}
OTHERS = 5
ALL = ", ".join(canary.ALL.values())
FIELDS = []                                     # every field that was filled, as said() named it


def said(field, room=1000):
    """All the canaries and the field's own name."""
    FIELDS.append(f"field {field}.")
    text = f"field {field}. {ALL}"
    assert len(text) <= room, (field, len(text))
    return text


def everything(where, **fields):
    """A Referral with a canary in each of its texts; the ones that are read (numbers, dates) hold their own alone."""
    r = pb.Referral(consent=pb.CONSENT_GIVEN, referrer_area=AREA, reason=said(f"{where} reason"),
                    door_code=canary.WORDS, correlation_id=canary.EMAIL, **fields)
    r.person.CopyFrom(pb.Person(name=canary.NAME, date_of_birth=canary.BIRTH, nino=canary.NINO, phone=canary.PHONE,
                                postcode=canary.POSTCODE, address=said(f"{where} address", 600), email=canary.EMAIL,
                                language="en", contact_notes=said(f"{where} notes")))
    r.referrer.CopyFrom(pb.Referrer(name=said(f"{where} referrer", 300), role=said(f"{where} role", 300),
                                    organisation=said(f"{where} organisation", 300), phone=canary.PHONE))
    r.needs.extend([canary.WORDS, canary.NHS_NUMBER])
    return r


class Copy(base.Daemon):
    """A daemon on a store that was brought back from a backup, with the master key of then."""

    def __init__(self, backup, key, policies):
        self.backup, self.key, self.policies = backup, key, policies
        super().__init__()

    def start(self):
        shutil.rmtree(f"{self.folder}/store")
        shutil.copytree(self.backup, f"{self.folder}/store")
        shutil.copytree(self.policies, f"{self.folder}/store/policies")
        shutil.copy(self.key, f"{self.folder}/store/master.key")
        super().start()


class ErasedTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.daemon = base.Daemon()
        cls.folder, cls.store = cls.daemon.folder, f"{cls.daemon.folder}/store"
        os.mkdir(cls.path("out"))
        try:
            cls.live()
            cls.before()
            cls.erase()
            cls.after()
        except BaseException:
            cls.daemon.end(signal.SIGKILL)
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.process.poll() is None:
            cls.daemon.end(signal.SIGKILL)
        for name in ("early", "early.key"):     # a backup from before has the person, as its own test shows
            path = cls.path(name)
            _ = shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.unlink(path)
        canary.leave(cls.folder, arguments.bin)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def ctl(cls, *words, code=0, stdin="", admin=None):
        env = dict(os.environ, REFERRALD_ADMIN=admin or cls.daemon.admin, REFERRALD_DOORS=cls.daemon.doors, USER="ines")
        any_fs = ["--any-fs"] if words[0] == "store" else []
        done = subprocess.run([f"{arguments.bin}/referralctl", *words, *any_fs], stdout=subprocess.PIPE, text=True,
                              env=env, stderr=subprocess.STDOUT, input=stdin, timeout=60, check=False)
        assert done.returncode == code, (words, done.returncode, done.stdout)
        return done.stdout

    @classmethod
    def wrapped(cls, folder):
        """{case: its wrapped key}"""
        done = subprocess.run([f"{arguments.bin}/wrapped_keys", folder], stdout=subprocess.PIPE, text=True, check=True)
        return {int(case): bytes.fromhex(row) for case, row in (line.split() for line in done.stdout.splitlines())}

    @classmethod
    def figures(cls):
        state = json.loads(cls.ctl("status", "--json"))
        return {key: state[key] for key in ("referrals", "cases", "joined", "by_status", "adds_up", "mailbox_rows")}

    @classmethod
    def stat(cls):
        """Figures of the store, the daemon stopped meanwhile; without those of the file and of the log's growth."""
        assert cls.daemon.end(signal.SIGTERM) == 0
        stat = json.loads(cls.ctl("store", "stat", cls.store, "--json"))
        cls.daemon.start()
        return stat

    # ---- the story

    @classmethod
    def live(cls):
        """Referred through five doors, declined, sent back, accepted, amended, taken back, held, read, closed."""
        for i in range(OTHERS):
            with Adapter(cls.daemon.doors, "gp-north") as adapter:
                r = pb.Referral.FromString(referral("QVV", name="Other", reason="other"))
                r.person.CopyFrom(pb.Person(name=f"Somebody Else {i}", nhs_number=nhs_number(880000 + 100 * i)))
                other = adapter.submit(f"other-{i}", r.SerializeToString())
        cls.other = other.receipt
        cls.receipts, cls.sent = [], {}
        for source, door in DOORS.items():
            r = everything(source, door=door)
            r.person.nhs_number = canary.NHS_NUMBER
            cls.sent[source] = (f"{canary.NAME} born {canary.BIRTH} {source}", r)
            with Adapter(cls.daemon.doors, source) as adapter:
                cls.receipts.append(adapter.submit(cls.sent[source][0], r.SerializeToString()))
        cls.code = cls.receipts[0].receipt
        shown = [json.loads(cls.ctl("show", receipt.receipt, "--json"))["row"]["case_code"] for receipt in cls.receipts]
        assert len(set(shown)) == 1, shown
        with Adapter(cls.daemon.doors, "gp-north") as adapter:          # the same person, and nothing that tells it
            cls.second = adapter.submit("second", everything("second", door=pb.DOOR_GP).SerializeToString()).receipt
        cls.ctl("triage", "close", cls.second, "--as", "person_moved", "--reason", said("close"), "--execute")
        with Worker(cls.daemon.workers, "one") as worker:
            worker.subscribe([QUEUE], 1)
            worker.done(pb.Decline, worker.offer(), reason=pb.DECLINE_NO_CAPACITY,
                        role=f"{canary.NAME}, {canary.WORDS}",
                        text=said("decline"), next_step=said("decline next step"))
            cls.ctl("triage", "send-back", cls.code, "--reason", said("send back"), "--execute")
            offer = worker.offer()
            cls.records = worker.accept(offer)
            with Adapter(cls.daemon.doors, "gp-north") as adapter:
                reference, r = cls.sent["gp-north"]
                r.person.contact_notes = said("amended notes")
                adapter.amend(reference, r.SerializeToString(), 0)
            with Adapter(cls.daemon.doors, "employer-portal") as adapter:
                adapter.withdraw(cls.sent["employer-portal"][0], pb.WITHDRAW_REVOKED, said("withdrawal"))
            worker.done(pb.Contacted, offer, channel=pb.CHANNEL_PHONE, reached=True)
            worker.done(pb.Started, offer, employment=pb.EMPLOYMENT_OFF_SICK, main_barrier=7)
            worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED, text=said("worker's close"))
            worker.goodbye()
        cls.ctl("case", "reveal", cls.code, "--reason", said("reveal"), "--execute")
        cls.ctl("subject", "hold", cls.code, "--reason", said("legal hold"), "--execute")
        cls.ctl("subject", "release", cls.code, "--reason", said("release"), "--execute")
        cls.ctl("subject", "find", "--reason", said("find"), stdin=f"nhs_number: {canary.NHS_NUMBER}\n")

    @classmethod
    def before(cls):
        cls.exported = "".join(cls.ctl("subject", "export", code, "--reason", said("export")) for code in cls.codes())
        cls.document = "".join(cls.ctl("subject", "export", code, "--reason", said("export"), "--json")
                               for code in cls.codes())
        cls.head = json.loads(cls.ctl("audit", "head"))
        cls.ctl("store", "backup", cls.store, cls.path("early"))
        shutil.copy(f"{cls.store}/master.key", cls.path("early.key"))
        cls.stat_before, cls.figures_before = cls.stat(), cls.figures()

    @classmethod
    def codes(cls):
        return cls.code, cls.second

    @classmethod
    def erase(cls):
        for code in cls.codes():
            cls.ctl("subject", "erase", code, "--reason", "her letter of 9 May", "--execute")
        cls.figures_after, cls.stat_after = cls.figures(), cls.stat()
        cls.keep("status.json", cls.ctl("status", "--json"))
        for name, words in (("list", ("list", "--limit", "1000")), ("triage", ("triage", "list")),
                            ("queues", ("queue", "list")), ("audit", ("audit", "tail", "--limit", "1000")),
                            ("retention", ("retention",)), ("policies", ("policy", "list"))):
            cls.keep(name, cls.ctl(*words) + cls.ctl(*words, "--json"))
        for code in cls.codes():
            for words in (("show", code), ("explain", code),
                          ("case", "reveal", code, "--reason", "to be sure", "--execute"),
                          ("subject", "export", code, "--reason", "to be sure")):
                cls.keep(f"{words[0]}-{words[1]}-{code}", cls.ctl(*words) + cls.ctl(*words, "--json"))
        cls.found = cls.ctl("subject", "find", "--reason", "to be sure", stdin=f"nhs_number: {canary.NHS_NUMBER}\n")
        cls.keep("find", cls.found)
        cls.ctl("audit", "export", "--out", cls.path("log.ndjson"))
        for i, receipt in enumerate(cls.receipts):              # a protected door gets no head
            if receipt.head.signature:
                fields = {f.name: v.hex() if isinstance(v, bytes) else v for f, v in receipt.head.ListFields()}
                cls.keep(f"receipt-{i}.json", json.dumps({"head": fields}))
        cls.keep("head.json", json.dumps(cls.head))

    @classmethod
    def keep(cls, name, text):
        with open(cls.path("out", name), "w", encoding="utf-8") as f:
            f.write(text)

    @classmethod
    def after(cls):
        assert cls.daemon.end(signal.SIGTERM) == 0
        keys = cls.wrapped(cls.path("early"))
        cls.lingering = cls.files_with(keys.values())
        cls.ctl("store", "compact", cls.store)
        left = cls.wrapped(cls.store)
        cls.gone = {case: row for case, row in keys.items() if case not in left}
        cls.left = left
        cls.ctl("store", "backup", cls.store, cls.path("late"))

    # ---- looking

    @classmethod
    def files(cls, *without):
        for folder, folders, names in os.walk(cls.folder):
            folders[:] = [f for f in folders if f not in without and f != "run"]
            for name in names:
                if name not in without:
                    yield os.path.join(folder, name)

    @classmethod
    def shapes(cls, what):
        """The bytes as they are, in hexadecimal, and in base64 wherever in it they begin."""
        yield what
        yield what.hex().encode()
        yield what.hex().upper().encode()
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + what)
            yield encoded[-(-8 * before // 6):8 * (before + len(what)) // 6]

    @classmethod
    def files_with(cls, rows, *without):
        """In which files a piece of one of these rows is. The first bytes of a row are its version: many have it."""
        pieces = [shape for row in rows for at in range(4, len(row) - 11, 12) for shape in cls.shapes(row[at:at + 12])]
        return sorted({os.path.relpath(path, cls.folder) for path in cls.files(*without) for data in (cls.read(path),)
                       if any(piece in data for piece in pieces)})

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    # ---- what is true

    def test_1_the_persons_own_copy_has_every_word_that_was_sent(self):
        for text in (self.exported, self.document):
            for value in canary.ALL.values():
                self.assertIn(value, text)
            for field in FIELDS:
                self.assertIn(field, text)
        self.assertGreaterEqual(len(FIELDS), 40)
        sent = b"".join(record.referral for record in self.records)
        for kind, value in canary.ALL.items():
            self.assertIn(value.encode(), sent, kind)

    def test_2_the_key_of_the_person_is_in_no_file(self):
        self.assertEqual(len(self.gone), 2)
        self.assertEqual(len(self.left), OTHERS)
        self.assertIn("early/data.mdb", self.lingering)         # the search finds what is there
        self.assertIn("store/data.mdb", self.lingering)
        self.assertEqual(self.files_with(self.gone.values(), "early"), [])
        self.assertEqual(self.files_with(self.gone.values()), ["early/data.mdb"])
        self.assertIn("late/data.mdb", self.files_with(self.left.values(), "early"))

    def test_3_nothing_that_was_sent_is_in_any_file_or_answer(self):
        for place in ("store", "late", "log", "log.ndjson", "out", "referrald.conf"):
            canary.search(self.path(place), arguments.bin)
        needles = [shape for value in canary.ALL.values() for shape in self.shapes(value.encode())]
        needles += [field.encode() for field in FIELDS]
        searched = 0
        for path in self.files():
            data = self.read(path)
            searched += 1
            if path.endswith("log.ndjson"):
                data += b"".join(base64.b64decode(json.loads(line).get("bytes", "")) for line in data.splitlines())
            for needle in needles:
                self.assertNotIn(needle, data, path)
        self.assertGreater(searched, 20)
        self.assertTrue(os.listdir(self.path("store", "policies")))
        self.assertIn("nobody", self.found)

    def test_4_figures_stay_and_the_log_is_whole(self):
        self.assertEqual(self.figures_after, self.figures_before)
        self.assertTrue(self.figures_after["adds_up"])
        before, after = dict(self.stat_before), dict(self.stat_after)
        self.assertEqual(after["cases_erased"], before["cases_erased"] + 2)
        grows = {"entries", "epoch", "head", "cases_erased", "keys_lingering", "index_bytes", "used_bytes",
                 "file_bytes"}
        self.assertEqual({k: v for k, v in after.items() if k not in grows},
                         {k: v for k, v in before.items() if k not in grows})
        for folder, key in (("store", ()), ("late", ("--key", self.path("store", "master.key")))):
            self.ctl("store", "verify", self.path(folder), *key)
        heads = [self.path("out", name) for name in os.listdir(self.path("out"))
                 if name.startswith(("receipt", "head"))]
        self.assertGreater(len(heads), 1)
        self.ctl("audit", "verify", self.path("log.ndjson"), *heads)
        second = subprocess.run([sys.executable, "tools/audit_verify.py", self.path("log.ndjson"), *heads], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(second.returncode, 0, second.stdout)

    def test_5_a_backup_from_before_has_the_person_until_its_master_key_is_gone(self):
        policies, early = self.path("store", "policies"), self.path("early")
        copy = Copy(early, self.path("early.key"), policies)
        try:
            read = self.ctl("case", "reveal", self.code, "--reason", "x", "--execute", admin=copy.admin)
        finally:
            copy.remove()
        for value in canary.ALL.values():
            self.assertIn(value, read)
        self.ctl("store", "rotate-master", self.store, self.path("new.key"))
        for name in ("store/master.key.1", "early.key"):        # the old key and every copy of it
            os.unlink(self.path(name))
        self.ctl("store", "verify", self.store)
        refused = self.ctl("store", "verify", early, "--key", self.path("store", "master.key"), code=1)
        self.assertIn("this master key is not the one of this store", refused)
        self.daemon.start()
        self.assertIn("Somebody Else", self.ctl("case", "reveal", self.other, "--reason", "x", "--execute"))
        self.assertEqual(self.daemon.end(signal.SIGTERM), 0)
        self.assertEqual(self.files_with(self.gone.values(), "early"), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + rest)

#!/usr/bin/python3
"""What a person may ask for: to see, to be found, to be erased, to be kept. By referralctl, against a real daemon.

    test_rights.py --bin DIR            DIR: the folder with referrald and referralctl; run from the project's root
"""
import json
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import test_python_client as base                                               # noqa: E402
import canary                                                         # noqa: E402
from client import Adapter, Connection, Worker                                  # noqa: E402
from test_python_client import arguments, nhs_number, pb, rest                  # noqa: E402

MANCHESTER, DORSET = "greater-manchester/intake", "dorset/intake"
ODS = {MANCHESTER: "QOP", DORSET: "QVV"}
DEADLINE_S = 30


class Person:
    """Somebody invented, whose words are found again wherever they are."""

    count = 0

    def __init__(self):
        Person.count += 1
        n = Person.count
        self.nhs = nhs_number(600000 + 100 * n)
        self.name, self.phone = f"Xanthippe Zzyzx{n:03d}", f"07700 9{n:05d}"
        self.marks = [self.nhs, self.name, self.phone, f"needle{n:03d}"]
        self.note = f"needle{n:03d} lives with it"

    def referral(self, queue=MANCHESTER, door=pb.DOOR_GP, **fields):
        fields.setdefault("consent", pb.CONSENT_GIVEN)
        r = pb.Referral(door=door, referrer_area=ODS[queue], reason=self.note, **fields)
        r.person.name, r.person.phone, r.person.nhs_number = self.name, self.phone, self.nhs
        r.person.address = canary.STREET
        return r.SerializeToString()


class RightsTest(unittest.TestCase):
    maxDiff = None
    references = 0

    @classmethod
    def setUpClass(cls):
        cls.daemon = base.Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove()

    # ---- helpers

    def ctl(self, *words, code=0, stdin=""):
        env = dict(os.environ, REFERRALD_ADMIN=self.daemon.admin, REFERRALD_DOORS=self.daemon.doors, USER="ines",
                   TZ="Europe/London")
        done = subprocess.run([f"{arguments.bin}/referralctl", *words], stdout=subprocess.PIPE, text=True, env=env,
                              stderr=subprocess.STDOUT, input=stdin, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, code, (words, done.stdout))
        return done.stdout

    def ctl_json(self, *words, stdin=""):
        return json.loads(self.ctl(*words, "--json", stdin=stdin))

    def submit(self, person, source="gp-north", **fields):
        """(reference, bytes, receipt) of a referral of this person."""
        RightsTest.references += 1
        reference, body = f"rights-{self.references}", person.referral(**fields)
        with Adapter(self.daemon.doors, source) as adapter:
            return reference, body, adapter.submit(reference, body)

    def case_of(self, code):
        return self.ctl_json("show", code)["row"]["case_code"]

    def close(self, code):
        self.ctl("triage", "close", code, "--as", "person_moved", "--reason", "moved abroad", "--execute")

    def events(self, code):
        return [row["event"] for row in self.ctl_json("show", code)["timeline"]]

    def nowhere(self, person, text):
        for mark in person.marks:
            self.assertNotIn(mark, text)

    # ---- reveal

    def test_reading_needs_a_reason_and_is_in_the_log_before_the_answer(self):
        person = Person()
        code = self.submit(person)[2].receipt
        self.assertNotIn("revealed", self.events(code))
        self.ctl("case", "reveal", code, "--execute", code=64)
        self.ctl("case", "reveal", code, "--reason", "a complaint", code=64)
        with Connection(self.daemon.admin) as stranger:
            for operator, reason in (("", "why"), ("ines", ""), ("", "")):
                refusal = stranger.refused("reveal", pb.Reveal(operator=operator, reason=reason, code=code))
                self.assertEqual(refusal.code, pb.CODE_REASON_MISSING)
        self.nowhere(person, self.ctl("case", "reveal", code, "--reason", "a complaint", "--dry-run"))
        self.assertNotIn("revealed", self.events(code))
        read = self.ctl("case", "reveal", code, "--reason", "a complaint", "--execute")
        for mark in person.marks:
            self.assertIn(mark, read)
        shown = self.ctl_json("show", code)
        self.assertEqual([(r["event"], r["actor"]) for r in shown["timeline"]][-1], ("revealed", "ines"))
        self.nowhere(person, json.dumps(shown) + self.ctl("list", "--limit", "1000") + self.ctl("explain", code))

    def test_reading_tells_all_that_was_sealed(self):
        person = Person()
        reference, _, receipt = self.submit(person, queue=DORSET)
        with Adapter(self.daemon.doors, "gp-north") as adapter:
            adapter.amend(reference, person.referral(queue=DORSET, weeks_out_of_work=7), 0)
        with Worker(self.daemon.workers, "reader") as worker:
            worker.subscribe([DORSET], 1)
            worker.done(pb.Decline, worker.offer(), reason=pb.DECLINE_NO_CAPACITY, role="intake officer",
                        text=person.note + " and we are full", next_step="ask again on Monday")
            worker.goodbye()
        self.ctl("triage", "approve", receipt.receipt, "--reason", person.note + " so be it", "--execute")
        parts = self.ctl_json("case", "reveal", receipt.receipt, "--reason", "to see", "--execute")["parts"]
        by_event = {part["event"]: part for part in parts}
        self.assertEqual([part["event"] for part in parts], ["received", "amended", "declined", "moved", "revealed"])
        self.assertEqual(by_event["received"]["reference"], reference)
        self.assertEqual(by_event["received"]["receipt"], receipt.receipt)
        self.assertEqual(by_event["received"]["referral"]["person"]["nhs_number"], person.nhs)
        self.assertEqual(by_event["amended"]["referral"]["weeks_out_of_work"], 7)
        self.assertEqual(by_event["declined"]["text"], person.note + " and we are full")
        self.assertEqual(by_event["declined"]["role"], "intake officer")
        self.assertEqual(by_event["declined"]["next_step"], "ask again on Monday")
        self.assertEqual(by_event["moved"]["text"], person.note + " so be it")
        self.assertEqual(by_event["revealed"]["text"], "to see")

    def test_long_stories_come_in_pages(self):
        person = Person()
        codes = [self.submit(person, needs=[f"{i}-{'x' * 120}" for i in range(32)])[2].receipt for _ in range(40)]
        parts = self.ctl_json("case", "reveal", codes[0], "--reason", "all of it", "--execute")["parts"]
        self.assertEqual([p["receipt"] for p in parts if p["event"] in ("received", "joined")], codes)
        self.assertGreater(len([p for p in parts if p["event"] == "revealed"]), 1)      # a page each
        self.assertEqual([p["sequence"] for p in parts], sorted({p["sequence"] for p in parts}))

    # ---- told

    def test_told_is_what_the_mailboxes_said(self):
        """Every referral of a person with a story, linked and unlinked: what Told says is what was delivered."""
        sources = {"gp-north": pb.DOOR_GP, "jobcentre-feed": pb.DOOR_JOBCENTRE, "employer-portal": pb.DOOR_EMPLOYER,
                   "self-page": pb.DOOR_SELF}
        one, two = Person(), Person()
        first = self.submit(one)[2].receipt
        sent = {source: self.submit(one, source=source, door=door) for source, door in sources.items()}
        others = [receipt.receipt for _, _, receipt in sent.values()]
        with Adapter(self.daemon.doors, "employer-portal") as adapter:          # hears its own end, and nothing later
            adapter.withdraw(sent["employer-portal"][0], pb.WITHDRAW_REVOKED)
        second = self.submit(two)[2].receipt
        self.ctl("case", "link", second, self.case_of(first), "--reason", "one person", "--execute")
        case, linked = self.case_of(first), self.case_of(second)
        with Worker(self.daemon.workers, "teller") as worker:
            worker.subscribe([MANCHESTER], 50)
            offer = worker.offer()
            while offer.case_code != case:
                offer = worker.offer()
            worker.accept(offer)
            self.ctl("case", "unlink", second, "--reason", "two after all", "--execute")
            worker.done(pb.Started, offer, employment=pb.EMPLOYMENT_IN_WORK)
            worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED)
            worker.goodbye()
        delivered = []
        for source in sources:
            with Adapter(self.daemon.doors, source) as adapter:
                opened = adapter.open_mailbox(credit=4000)
                for _ in range(opened.last - opened.acknowledged):
                    f = adapter.feedback()
                    if f.receipt in [first, second] + others:
                        delivered.append((f.at_ms, source, f.receipt, f.word, f.detail, f.provider))
        said = self.told(case) + self.told(linked)
        self.assertEqual(sorted((r.at_ms, r.source, r.receipt, r.word, r.detail, r.provider) for r in said),
                         sorted(delivered))
        self.assertIn("accepted", [r.word for r in said if r.receipt == second])        # heard while it rested there
        self.assertNotIn("started", [r.word for r in said if r.receipt == second])
        self.assertEqual([r.word for r in said if r.source == "employer-portal"], ["closed"])
        self.assertFalse(any(r.acknowledged for r in said))
        with Adapter(self.daemon.doors, "gp-north") as adapter:
            adapter.acknowledge(adapter.open_mailbox(credit=0).last)
        said = self.told(case) + self.told(linked)
        self.assertEqual({r.acknowledged for r in said if r.source == "gp-north"}, {True})
        self.assertFalse(any(r.acknowledged for r in said if r.source != "gp-north"))

    def told(self, code):
        with Connection(self.daemon.admin) as operator:
            return list(operator.expect("told_query", pb.ToldQuery(code=code), "told").rows)

    # ---- find and export

    def test_finding_takes_the_person_from_standard_input_and_is_logged(self):
        person, other = Person(), Person()
        first = self.submit(person)[2].receipt
        self.close(first)
        second = self.submit(person)[2].receipt
        self.submit(other)
        before = self.events(first).count("revealed")
        self.ctl("subject", "find", stdin=f"nhs_number: {person.nhs}\n", code=64)
        self.ctl("subject", "find", "--reason", "asked by letter", stdin="what: else\n", code=65)
        self.ctl("subject", "find", "--reason", "asked by letter", stdin="name: Nobody\n", code=65)
        nobody = self.ctl("subject", "find", "--reason", "asked by letter", stdin=f"nhs_number: {nhs_number(1)}\n")
        self.assertIn("nobody", nobody)
        found = self.ctl_json("subject", "find", "--reason", "asked by letter", stdin=f"nhs_number: {person.nhs}\n")
        self.assertEqual({c["case_code"] for c in found["cases"]}, {self.case_of(first), self.case_of(second)})
        self.nowhere(person, json.dumps(found))
        self.assertEqual(self.events(first).count("revealed"), before + 1)
        self.assertEqual(self.events(second).count("revealed"), 1)

    def test_an_export_holds_the_person_and_nobody_else(self):
        person, other, twin = Person(), Person(), Person()
        first = self.submit(person)[2].receipt
        self.submit(other)
        self.ctl("case", "reveal", first, "--reason", "an earlier look", "--operator", "omar", "--execute")
        self.close(first)
        second = self.submit(person)[2].receipt
        linked = self.submit(twin)[2].receipt
        self.ctl("case", "link", linked, second, "--reason", "same person, two numbers", "--execute")
        self.ctl("subject", "export", first, code=64)
        text = self.ctl("subject", "export", first, "--reason", "asked by letter")
        for mark in person.marks + twin.marks:          # what is linked is the same person's
            self.assertIn(mark, text)
        self.nowhere(other, text)
        for needed in (first, second, linked, "a GP surgery", "an earlier look", "omar", "asked by letter",
                       "Who was told what, when and why", "was told that your case was closed: person_moved",
                       "Why: " + person.note, "because of the area of whoever referred you"):
            self.assertIn(needed, text)
        self.assertEqual(text.count("\n## Case "), 3)
        document = self.ctl_json("subject", "export", second, "--reason", "asked again")
        self.assertEqual({c["case"]["case_code"] for c in document["cases"]},
                         {self.case_of(code) for code in (first, second, linked)})
        for one in document["cases"]:
            self.assertEqual(set(one), {"case", "timeline", "timeline_cut", "held", "explained", "told"})

    # ---- erase and hold

    def test_erasing_takes_all_cases_of_the_person_or_none(self):
        person, twin = Person(), Person()
        first = self.submit(person)[2].receipt
        self.close(first)
        second = self.submit(person)[2].receipt
        linked = self.submit(twin)[2].receipt
        self.ctl("case", "link", linked, second, "--reason", "same person", "--execute")
        refused = self.ctl("subject", "erase", first, "--reason", "asked", "--execute", code=1)
        self.assertIn(self.case_of(second), refused)
        self.assertIn(self.case_of(linked), refused)
        self.assertNotIn(self.case_of(first), refused)
        self.assertIn("triage close", refused)
        self.assertNotIn("erased", self.events(first))
        self.close(second)                              # what rests on it is closed with it
        dry = self.ctl_json("subject", "erase", linked, "--reason", "asked", "--dry-run")
        self.assertTrue(dry["dry_run"])
        self.assertEqual(len(dry["cases"]), 3)
        self.assertIn(person.nhs, self.ctl("case", "reveal", first, "--reason", "still here", "--execute"))
        done = self.ctl_json("subject", "erase", linked, "--reason", "asked", "--execute")
        self.assertEqual({c["case_code"] for c in done["cases"]}, {self.case_of(c) for c in (first, second, linked)})
        for code in (first, second, linked):
            self.assertTrue(self.ctl_json("show", code)["row"]["erased"])
            self.assertEqual(self.events(code)[-1], "erased")
        self.ctl("subject", "erase", first, "--reason", "again", "--execute", code=1)

    def test_after_erasure_nothing_says_who_it_was(self):
        person = Person()
        reference, body, receipt = self.submit(person)
        self.close(receipt.receipt)
        code, case = receipt.receipt, self.case_of(receipt.receipt)
        self.ctl("subject", "erase", code, "--reason", "letter of 3 May", "--execute")
        self.assertEqual(self.ctl_json("case", "reveal", code, "--reason", "x", "--execute"),
                         {"erased": True, "parts": []})
        said = "".join((self.ctl("case", "reveal", code, "--reason", "x", "--execute"), self.ctl("show", code),
                        self.ctl("list", "--limit", "1000"), self.ctl("explain", code), self.ctl("explain", case),
                        self.ctl("subject", "export", code, "--reason", "x"), self.ctl("status")))
        self.nowhere(person, said)
        self.assertIn("by_referrer_area", self.ctl("explain", code))
        self.assertIn("nobody", self.ctl("subject", "find", "--reason", "x", stdin=f"nhs_number: {person.nhs}\n"))
        with Adapter(self.daemon.doors, "gp-north") as adapter:
            self.assertEqual(adapter.status(reference).status, pb.STATUS_CLOSED)
            again = adapter.submit(reference, body)
            self.assertTrue(again.replayed)
            self.assertEqual((again.receipt, again.received_ms), (code, receipt.received_ms))
            self.assertEqual(adapter.submit_refused(reference, person.referral(weeks_out_of_work=3)).code,
                             pb.CODE_CONFLICT)
            surplus = adapter.expect("reconcile", pb.Reconcile(source="gp-north", since_ms=receipt.received_ms),
                                     "reconciled")
            self.assertNotIn(code, [s.receipt for s in surplus.surplus])
            self.assertFalse(surplus.truncated)
            opened = adapter.open_mailbox(credit=4000)
            mail = [adapter.feedback() for _ in range(opened.last - opened.acknowledged)]
        mine = [f for f in mail if f.receipt == code]
        self.assertEqual([(f.word, f.reference) for f in mine], [("closed", "")])
        fresh = self.submit(person)[2]
        self.assertFalse(fresh.joined)
        shown = self.ctl_json("show", fresh.receipt)["row"]
        self.assertEqual((shown["previous"], shown["resembles"], shown["erased"]), ("", "", False))

    def test_a_legal_hold_stands_before_erasure(self):
        person = Person()
        code = self.submit(person)[2].receipt
        self.close(code)
        self.ctl("subject", "hold", code, "--reason", "court order 7", "--execute")
        self.assertTrue(self.ctl_json("show", code)["row"]["kept"])
        refused = self.ctl("subject", "erase", code, "--reason", "asked", "--execute", code=1)
        self.assertIn("subject release", refused)
        self.ctl("subject", "hold", code, "--reason", "twice", "--execute", code=1)
        self.ctl("subject", "release", code, "--reason", "court is done", "--execute")
        self.ctl("subject", "release", code, "--reason", "twice", "--execute", code=1)
        self.ctl("subject", "erase", code, "--reason", "asked", "--execute")
        self.assertEqual(self.events(code)[-3:], ["kept", "unkept", "erased"])

    # ---- retention

    def kept(self, *words):
        return {row["what"]: row for row in self.ctl_json("retention", *words)["rows"]}

    def test_retention_is_a_report(self):
        before = self.kept()
        self.assertEqual(set(before), {"closed_case", "unaccepted_case", "mail_waiting", "mail_done", "log"})
        person = Person()
        code = self.submit(person, source="provider-transfer", door=pb.DOOR_PROVIDER)[2].receipt
        self.close(code)
        after = self.kept()
        self.assertEqual(after["unaccepted_case"]["items"], before["unaccepted_case"]["items"] + 1)
        self.assertEqual(after["closed_case"]["items"], before["closed_case"]["items"])
        self.assertEqual(after["mail_waiting"]["items"], before["mail_waiting"]["items"] + 1)
        self.assertGreater(after["log"]["items"], before["log"]["items"])
        self.assertGreater(after["log"]["oldest_ms"], 0)
        self.assertEqual([row["beyond"] for row in after.values()], [0] * 5)
        self.assertIn("nothing is erased by it", self.ctl("retention"))
        self.ctl("subject", "erase", code, "--reason", "asked", "--execute")
        self.assertEqual(self.kept()["unaccepted_case"]["items"], before["unaccepted_case"]["items"])


class BeyondTest(unittest.TestCase):
    """With terms of no days everything is beyond them, but for what is under a legal hold; and it stays."""

    def test_what_is_beyond_its_time_is_counted_and_kept(self):
        class Impatient(base.Daemon):
            def start(self):
                policy = f"{self.folder}/policy"
                subprocess.run(["cp", "-r", "config/policy", policy], check=True)
                for name, pattern, to in ((f"{policy}/retention.conf", r'keep = "\d+[yd]"', 'keep = "0d"'),
                                          (f"{self.folder}/referrald.conf", r'policy_dir = ".*?"',
                                           f'policy_dir = "{policy}"')):
                    with open(name, encoding="utf-8") as f:
                        text = re.sub(pattern, to, f.read())
                    with open(name, "w", encoding="utf-8") as f:
                        f.write(text)
                super().start()

        daemon = Impatient()
        self.addCleanup(daemon.remove)
        RightsTest.daemon = daemon
        test = RightsTest()
        codes = [test.submit(Person())[2].receipt for _ in range(3)]
        for code in codes[:2]:
            test.close(code)
        test.ctl("subject", "hold", codes[0], "--reason", "court", "--execute")
        rows = test.kept()
        self.assertEqual((rows["unaccepted_case"]["items"], rows["unaccepted_case"]["beyond"]), (2, 1))
        self.assertEqual((rows["mail_waiting"]["items"], rows["mail_waiting"]["beyond"]), (2, 2))
        self.assertGreater(rows["log"]["beyond"], 5)
        self.assertEqual(test.kept(), rows)
        self.assertEqual(test.ctl_json("show", codes[1])["row"]["erased"], False)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + rest)

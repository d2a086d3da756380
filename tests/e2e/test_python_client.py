"""The specification, tried by a stranger: the daemon as tests/e2e/client.py sees it, over its real sockets.

    test_python_client.py --bin DIR          where referrald and referralctl were built; run from the project's root

referral_pb2 is made by protoc into DIR/python. Skipped (exit 77) without python3-zmq or python3-protobuf.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

arguments = argparse.ArgumentParser()
arguments.add_argument("--bin", required=True)
arguments, rest = arguments.parse_known_args()
GENERATED = os.path.join(os.path.abspath(arguments.bin), "python")
os.makedirs(GENERATED, exist_ok=True)
subprocess.run(["protoc", "--proto_path=proto", f"--python_out={GENERATED}", "referral.proto"], check=True)
sys.path.insert(0, GENERATED)
try:
    import google.protobuf  # noqa: F401  (only to see that it is there)
    import zmq  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402
import referral_pb2 as pb                       # noqa: E402
from client import Adapter, Connection, NoAnswer, Worker     # noqa: E402

RECEIPT = re.compile(r"^WW-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$")
CASE = re.compile(r"^WC-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$")


def nhs_number(middle):
    """A number of the range that is never issued, with a check digit that fits; the next one when none does."""
    while True:
        digits = f"999{middle:06d}"
        check = (11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1))) % 11) % 11
        if check != 10:
            return f"{digits}{check}"
        middle += 1


def referral(area="QOP", door=pb.DOOR_GP, name="Zeb", **fields):
    """Bytes of an invented referral whose person belongs to the area of this ODS code."""
    r = pb.Referral(door=door, consent=pb.CONSENT_GIVEN, referrer_area=area, **fields)
    canary.fill(r.person, name)
    return r.SerializeToString()


class Daemon:
    """referrald on a folder of its own."""
    identity = None                 # of whoever waits until it answers

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="rfl-python-")
        os.mkdir(f"{self.folder}/run", 0o700)
        self.doors, self.workers, self.admin = (f"ipc://{self.folder}/run/{s}" for s in ("doors", "workers", "admin"))
        subprocess.run([f"{arguments.bin}/referralctl", "--any-fs", "init", f"{self.folder}/store"], check=True,
                       stdout=subprocess.DEVNULL)
        access = self.access()
        with open(f"{self.folder}/referrald.conf", "w", encoding="utf-8") as f:
            f.write(f'schema_version = 1;\nstore_dir = "{self.folder}/store";\nstore_any_fs = true;\n'
                    f'policy_dir = "{os.path.abspath("config/policy")}";\ntest_people = true;\n'
                    f'doors = "{self.doors}";\nworkers = "{self.workers}";\nadmin = "{self.admin}";\n'
                    f'{access}log_format = "logfmt";\nend_of_config = true;\n')
        self.process = None
        self.start()

    def access(self):
        """What the configuration says about keys."""
        return "without_keys = true;\n"

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen([f"{arguments.bin}/referrald", "-c", f"{self.folder}/referrald.conf"],
                                            stdout=log, stderr=log)
        with Connection(self.admin, self.identity) as operator:
            operator.expect("admin_status", pb.AdminStatus(), "admin_state")

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def remove(self):
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        canary.leave(self.folder, arguments.bin)


class SpecificationTest(unittest.TestCase):
    """Each test has an area of its own, so that nobody else's cases are in its queue."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove()

    def adapter(self, source="gp-north"):
        adapter = Adapter(self.daemon.doors, source)
        self.addCleanup(adapter.close)
        return adapter

    def worker(self, name):
        worker = Worker(self.daemon.workers, name)
        self.addCleanup(worker.close)
        return worker

    def offered(self, reference, area, queue, worker, **fields):
        """Submits a referral and has it offered to the worker: (receipt, offer)."""
        receipt = self.adapter().submit(reference, referral(area, **fields))
        self.assertEqual(receipt.queue, queue)
        if not getattr(worker, "subscribed", False):
            worker.subscribed = worker.subscribe([queue], 8)
        return receipt, worker.offer()

    # ---- doors

    def test_receipt_says_where_it_went(self):
        before_ms = int(time.time() * 1000) - 1000
        receipt = self.adapter().submit("receipt-1", referral("QE1"))
        self.assertRegex(receipt.receipt, RECEIPT)
        self.assertEqual(receipt.status, pb.STATUS_QUEUED)
        self.assertEqual(receipt.area, "lancashire-south-cumbria")
        self.assertEqual(receipt.queue, "lancashire-south-cumbria/intake")
        self.assertFalse(receipt.replayed or receipt.joined)
        self.assertGreater(receipt.received_ms, before_ms)
        self.assertGreater(receipt.due_ms, receipt.received_ms)
        self.assertGreater(receipt.epoch, 0)
        self.assertGreater(receipt.log_sequence, 0)

    def test_door_without_a_column_hears_only_that_it_was_received(self):
        adapter = self.adapter("jobcentre-feed")
        receipt = adapter.submit("receipt-2", referral("QE1", pb.DOOR_JOBCENTRE))
        self.assertRegex(receipt.receipt, RECEIPT)
        self.assertEqual(receipt.status, pb.STATUS_RECEIVED)
        self.assertFalse(receipt.area or receipt.queue or receipt.joined or receipt.due_ms or receipt.reason)

    def test_same_bytes_same_receipt_and_other_bytes_conflict(self):
        adapter, body = self.adapter(), referral("QE1", reason="first")
        first = adapter.submit("replay-1", body)
        again = adapter.submit("replay-1", body)
        self.assertTrue(again.replayed)
        self.assertEqual((again.receipt, again.log_sequence, again.received_ms),
                         (first.receipt, first.log_sequence, first.received_ms))
        refusal = adapter.submit_refused("replay-1", referral("QE1", reason="changed"))
        self.assertEqual(refusal.code, pb.CODE_CONFLICT)
        self.assertFalse(refusal.retryable)
        self.assertTrue(refusal.text and refusal.remedy)
        other_source = self.adapter("gp-south").submit("replay-1", body)    # a reference is its source's own
        self.assertNotEqual(other_source.receipt, first.receipt)

    def test_every_finding_is_said_at_once_and_no_value(self):
        adapter = self.adapter()
        refusal = adapter.submit_refused("findings-1", pb.Referral(reason="secret words").SerializeToString())
        self.assertEqual(refusal.code, pb.CODE_INVALID)
        errors = {f.code for f in refusal.findings if f.severity == pb.SEVERITY_ERROR}
        self.assertEqual(errors, {"V-020", "V-021"})
        self.assertNotIn("secret", str(refusal))
        self.assertEqual(adapter.submit_refused("", referral()).findings[0].path, "reference")
        checked = adapter.expect("validate", pb.Validate(source="gp-north", referral=referral()), "validated")
        self.assertTrue(checked.acceptable)
        wrong = pb.Referral(door=pb.DOOR_GP, consent=pb.CONSENT_GIVEN)
        wrong.person.name, wrong.person.nhs_number, wrong.person.postcode = canary.NAME, "9990000000", "NOWHERE"
        body = wrong.SerializeToString()
        checked = adapter.expect("validate", pb.Validate(source="gp-north", referral=body), "validated")
        codes = {f.code: f for f in checked.findings}
        self.assertIn("V-048", codes)
        self.assertIn("V-051", codes)
        self.assertTrue(checked.acceptable)
        for finding in checked.findings:
            self.assertEqual(finding.severity, pb.SEVERITY_WARNING)
            self.assertTrue(finding.path and finding.rule and finding.remedy)
            self.assertNotIn("NOWHERE", str(finding))
        receipt = adapter.submit("findings-1", body)    # the reference of the refused one is still free
        self.assertEqual({f.code for f in receipt.warnings}, set(codes))
        self.assertEqual(receipt.status, pb.STATUS_TRIAGE)

    def test_refusals_of_the_envelope(self):
        adapter = self.adapter()
        for sent, code in ((b"\xff\xff\xff", pb.CODE_PARSE), (b"", pb.CODE_VERSION),
                           (pb.Envelope(version=1, correlation=7).SerializeToString(), pb.CODE_PARSE),
                           (pb.Envelope(version=2, correlation=7, ping=pb.Ping()).SerializeToString(),
                            pb.CODE_VERSION),
                           (pb.Envelope(version=1, correlation=7, ping=pb.Ping()).SerializeToString(),
                            pb.CODE_WRONG_SOCKET),
                           (pb.Envelope(version=1, correlation=7, pong=pb.Pong()).SerializeToString(),
                            pb.CODE_PARSE)):
            adapter.send_bytes(sent)
            envelope = adapter.receive(20)
            self.assertEqual(envelope.refusal.code, code, sent)
            self.assertEqual(envelope.correlation, 7 if len(sent) > 3 else 0, sent)
        adapter.send_bytes(b"", pb.Envelope(version=1, correlation=7, ping=pb.Ping()).SerializeToString())
        self.assertEqual(adapter.receive(20).refusal.code, pb.CODE_PARSE)

    def test_refusals_of_sources(self):
        self.assertEqual(self.adapter("nobody").submit_refused("r", referral()).code, pb.CODE_UNKNOWN_SOURCE)
        self.assertEqual(self.adapter("self-page").submit_refused("r", referral()).code, pb.CODE_DOOR_NOT_ALLOWED)
        too_big = pb.Referral(door=pb.DOOR_GP, reason="x" * 61000).SerializeToString()
        refusal = self.adapter().submit_refused("r", too_big)
        self.assertEqual(refusal.code, pb.CODE_INVALID)
        self.assertIn(("referral", "V-002"), [(f.path, f.code) for f in refusal.findings])

    def test_no_consent_is_held_and_a_later_referral_frees_it(self):
        adapter, number = self.adapter("self-page"), nhs_number(100)
        held = pb.Referral(door=pb.DOOR_SELF, referrer_area="QGH", consent=pb.CONSENT_NOT_GIVEN)
        canary.fill(held.person)
        held.person.nhs_number = number
        first = adapter.submit("held-1", held.SerializeToString())
        self.assertEqual(first.status, pb.STATUS_ON_HOLD)
        held.consent = pb.CONSENT_GIVEN
        second = adapter.submit("held-2", held.SerializeToString())
        self.assertTrue(second.joined)
        self.assertNotEqual(second.receipt, first.receipt)
        self.assertEqual(second.status, pb.STATUS_QUEUED)

    def test_status_is_told_to_the_source_alone(self):
        adapter = self.adapter()
        receipt = adapter.submit("status-1", referral("QE1"))
        by_receipt = adapter.expect("status_query", pb.StatusQuery(source="gp-north", receipt=receipt.receipt),
                                    "status_report")
        by_reference = adapter.expect("status_query", pb.StatusQuery(source="gp-north", reference="status-1"),
                                      "status_report")
        self.assertEqual(by_receipt, by_reference)
        self.assertEqual(by_receipt.receipt, receipt.receipt)
        self.assertEqual(by_receipt.status, pb.STATUS_QUEUED)
        self.assertTrue(by_receipt.owner and by_receipt.next_action and by_receipt.area)
        loose = receipt.receipt.lower().replace("-", " ")
        self.assertEqual(adapter.expect("status_query", pb.StatusQuery(source="gp-north", receipt=loose),
                                        "status_report"), by_receipt)
        for query in (pb.StatusQuery(source="gp-south", receipt=receipt.receipt),
                      pb.StatusQuery(source="gp-south", reference="status-1"),
                      pb.StatusQuery(source="gp-north", reference="never sent")):
            self.assertEqual(adapter.refused("status_query", query).code, pb.CODE_NOT_FOUND)
        self.assertEqual(adapter.refused("status_query", pb.StatusQuery(source="gp-north")).code, pb.CODE_INVALID)

    def test_reconcile_names_what_is_missing_and_what_is_surplus(self):
        adapter = self.adapter("pharmacy-bridge")
        held = adapter.submit("rec-held", referral("QE1", pb.DOOR_PHARMACIST))
        lost = adapter.submit("rec-lost", referral("QE1", pb.DOOR_PHARMACIST, reason="another"))
        answer = adapter.expect("reconcile", pb.Reconcile(source="pharmacy-bridge", since_ms=held.received_ms,
                                                          references=["rec-held", "rec-never"]), "reconciled")
        self.assertEqual(list(answer.missing), ["rec-never"])
        self.assertEqual([(s.reference, s.receipt) for s in answer.surplus], [("rec-lost", lost.receipt)])
        self.assertFalse(answer.truncated)

    # ---- workers

    def test_case_goes_all_the_way(self):
        worker = self.worker("desk-way")
        receipt, offer = self.offered("way-1", "QJK", "devon/intake", worker, main_barrier=3, interpreter=True)
        body = referral("QJK", main_barrier=3, interpreter=True)
        self.assertRegex(offer.case_code, CASE)
        self.assertEqual(worker.subscribed.queues, 1)
        self.assertEqual((offer.preview.queue, offer.preview.area), ("devon/intake", "devon"))
        self.assertTrue(offer.preview.interpreter)
        self.assertEqual((offer.preview.main_barrier, offer.preview.referrals), (3, 1))
        self.assertEqual(offer.preview.barrier_group, "musculoskeletal")
        self.assertGreater(offer.deadline_ms, receipt.received_ms)
        for planted in canary.ALL.values():
            self.assertNotIn(planted, str(offer))
        touched = worker.done(pb.Touch, offer)
        self.assertEqual((touched.status, touched.token), (pb.STATUS_OFFERED, offer.token))
        records = worker.accept(offer)
        self.assertEqual([r.receipt for r in records], [receipt.receipt])
        self.assertEqual(records[0].referral, body)         # byte for byte
        self.assertEqual((records[0].token, records[0].door), (offer.token, pb.DOOR_GP))
        self.assertEqual(worker.accept(offer), records)     # a lost answer costs nothing
        tried = worker.done(pb.Contacted, offer, channel=pb.CHANNEL_PHONE)
        self.assertEqual(tried.status, pb.STATUS_ACCEPTED)
        reached = worker.done(pb.Contacted, offer, channel=pb.CHANNEL_SMS, reached=True)
        self.assertEqual(reached.status, pb.STATUS_WAITING_ON_PERSON)
        self.assertEqual(worker.done(pb.Started, offer).status, pb.STATUS_ACTIVE)
        self.assertEqual(worker.done(pb.Outcome, offer, kind=pb.OUTCOME_PLAN_AGREED).status, pb.STATUS_ACTIVE)
        refusal = worker.refused(*worker.verb(pb.Started, offer))
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_ACTIVE))
        closed = worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED, text="all well")
        self.assertEqual(closed.status, pb.STATUS_CLOSED)
        late = worker.done(pb.Outcome, offer, kind=pb.OUTCOME_IN_WORK_13_WEEKS)
        self.assertEqual(late.status, pb.STATUS_CLOSED)
        refusal = worker.refused(*worker.verb(pb.Touch, offer))
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_CLOSED))

    def test_stale_tokens_are_fenced(self):
        worker, other = self.worker("desk-stale"), self.worker("desk-other")
        _, offer = self.offered("stale-1", "QUA", "black-country/intake", worker)
        wrong = type(offer)()
        wrong.CopyFrom(offer)
        wrong.token.sequence += 1
        other.subscribe(["black-country/intake"], 0)
        for verb, fields in ((pb.Accept, {}), (pb.Touch, {}), (pb.Started, {}),
                             (pb.Decline, {"reason": pb.DECLINE_SAFETY, "text": "x", "role": "y"}),
                             (pb.Close, {"reason": pb.CLOSE_COMPLETED})):
            self.assertEqual(worker.refused(*worker.verb(verb, wrong, **fields)).code, pb.CODE_FENCED)
            self.assertEqual(other.refused(*other.verb(verb, offer, **fields)).code, pb.CODE_FENCED)
        self.assertEqual(len(worker.accept(offer)), 1)      # and nothing of it changed anything

    def test_verbs_need_a_subscription_and_their_fields(self):
        worker = self.worker("desk-fields")
        self.assertEqual(worker.refused("ping", pb.Ping(worker="desk-fields")).code, pb.CODE_NOT_SUBSCRIBED)
        self.assertEqual(worker.refused("subscribe", pb.Subscribe(worker="w", queues=["no/such"])).code,
                         pb.CODE_UNKNOWN_QUEUE)
        _, offer = self.offered("fields-1", "QF7", "south-yorkshire/intake", worker)
        worker.expect("ping", pb.Ping(), "pong")
        for verb, fields, path in ((pb.Decline, {"text": "x", "role": "y"}, "reason"),
                                   (pb.Decline, {"reason": pb.DECLINE_SAFETY, "role": "y"}, "text"),
                                   (pb.Decline, {"reason": pb.DECLINE_SAFETY, "text": "x"}, "role"),
                                   (pb.Redirect, {"reason": pb.DECLINE_SAFETY}, "queue"),
                                   (pb.Defer, {}, "until_ms"), (pb.Contacted, {}, "channel"),
                                   (pb.Outcome, {}, "kind"), (pb.Close, {}, "reason")):
            refusal = worker.refused(*worker.verb(verb, offer, **fields))
            self.assertEqual(refusal.code, pb.CODE_INVALID)
            self.assertEqual([f.path for f in refusal.findings], [path])
        unknown = worker.verb(pb.Redirect, offer, queue="no/such", reason=pb.DECLINE_SAFETY)
        self.assertEqual(worker.refused(*unknown).code, pb.CODE_UNKNOWN_QUEUE)
        self.assertEqual(worker.refused("touch", pb.Touch(worker="desk-fields", case_code="WC-0000-0000",
                                                          token=offer.token)).code, pb.CODE_NOT_FOUND)

    def test_decline_is_a_proposal(self):
        worker = self.worker("desk-decline")
        receipt, offer = self.offered("decline-1", "QHL", "birmingham-solihull/intake", worker)
        done = worker.done(pb.Decline, offer, reason=pb.DECLINE_NO_CAPACITY, text="full", role="manager")
        self.assertEqual(done.status, pb.STATUS_DECLINING)
        report = self.adapter().expect("status_query", pb.StatusQuery(source="gp-north", receipt=receipt.receipt),
                                       "status_report")
        self.assertEqual(report.status, pb.STATUS_DECLINING)
        self.assertIn("riage", report.owner)

    def test_redirect_moves_the_case_and_its_token(self):
        worker, target = self.worker("desk-from"), self.worker("desk-to")
        _, offer = self.offered("redirect-1", "QVV", "dorset/intake", worker)
        same = worker.verb(pb.Redirect, offer, queue="dorset/intake", reason=pb.DECLINE_OUT_OF_AREA)
        self.assertEqual(worker.refused(*same).code, pb.CODE_INVALID)
        done = worker.done(pb.Redirect, offer, queue="lincolnshire/intake", reason=pb.DECLINE_OUT_OF_AREA, text="moved")
        self.assertEqual((done.status, done.queue), (pb.STATUS_QUEUED, "lincolnshire/intake"))
        target.subscribe(["lincolnshire/intake"], 1)
        moved = target.offer()
        self.assertEqual((moved.case_code, moved.preview.hops), (offer.case_code, 1))
        self.assertNotEqual(moved.token, offer.token)
        self.assertEqual(worker.refused(*worker.verb(pb.Accept, offer)).code, pb.CODE_FENCED)
        self.assertEqual(len(target.accept(moved)), 1)

    def test_defer_comes_back_by_itself(self):
        worker = self.worker("desk-defer")
        _, offer = self.offered("defer-1", "QR1", "gloucestershire/intake", worker)
        past = worker.verb(pb.Defer, offer, until_ms=int(time.time() * 1000) - 1000)
        self.assertEqual(worker.refused(*past).code, pb.CODE_INVALID)
        done = worker.done(pb.Defer, offer, until_ms=int(time.time() * 1000) + 300, text="call back")
        self.assertEqual(done.status, pb.STATUS_ON_HOLD)
        again = worker.offer()
        self.assertEqual((again.case_code, again.preview.lapses), (offer.case_code, 0))
        self.assertNotEqual(again.token, offer.token)

    def test_goodbye_returns_offers_and_keeps_accepted_cases(self):
        worker, next_worker = self.worker("desk-going"), self.worker("desk-coming")
        _, first = self.offered("goodbye-1", "QSL", "somerset/intake", worker)
        worker.accept(first)
        _, second = self.offered("goodbye-2", "QSL", "somerset/intake", worker)
        self.assertEqual(worker.goodbye().returned, 1)
        self.assertEqual(worker.goodbye().returned, 0)
        next_worker.subscribe(["somerset/intake"], 8)
        again = next_worker.offer()
        self.assertEqual((again.case_code, again.preview.lapses), (second.case_code, 0))
        worker.subscribe(["somerset/intake"], 0)
        self.assertEqual(worker.refused(*worker.verb(pb.Accept, second)).code, pb.CODE_FENCED)
        self.assertEqual(worker.done(pb.Started, first).status, pb.STATUS_ACTIVE)

    def test_reconnected_worker_gets_its_offers_again_with_their_tokens(self):
        worker = self.worker("desk-again")
        _, offer = self.offered("again-1", "QT6", "cornwall-isles-of-scilly/intake", worker)
        fresh = self.worker("desk-again")
        self.assertEqual(fresh.subscribe(["cornwall-isles-of-scilly/intake"], 8).outstanding, 1)
        again = fresh.offer()
        self.assertEqual((again.case_code, again.token), (offer.case_code, offer.token))
        self.assertEqual(len(fresh.accept(again)), 1)

    def test_credit_bounds_what_is_outstanding(self):
        worker, adapter = self.worker("desk-credit"), self.adapter()
        for i in range(3):
            adapter.submit(f"credit-{i}", referral("QNC"))
        worker.subscribe(["staffordshire-stoke-on-trent/intake"], 2)
        first, second = worker.offer(), worker.offer()
        with self.assertRaises(NoAnswer):
            worker.next_unasked("offer", 0.2)
        worker.expect("ping", pb.Ping(), "pong")
        self.assertEqual(worker.unasked, [])
        worker.accept(first)
        third = worker.offer()
        self.assertEqual(len({first.case_code, second.case_code, third.case_code}), 3)

    # ---- the loop closes

    def test_mailbox_tells_everything_once_acknowledged_and_again_until_then(self):
        adapter, worker = self.adapter("gp-south"), self.worker("desk-mail")
        receipt = adapter.submit("mail-1", referral("QWO"))
        worker.subscribe(["west-yorkshire/intake"], 1)
        offer = worker.offer()
        worker.accept(offer)
        worker.done(pb.Started, offer)
        worker.done(pb.Outcome, offer, kind=pb.OUTCOME_STARTED_WORK)
        worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED)
        opened = adapter.open_mailbox(credit=2)
        self.assertEqual((opened.acknowledged, opened.last), (0, 4))
        first, second = adapter.feedback(), adapter.feedback()
        with self.assertRaises(NoAnswer):
            adapter.next_unasked("feedback", 0.2)           # the credit is used up
        self.assertEqual([f.sequence for f in (first, second)], [1, 2])
        self.assertEqual(adapter.acknowledge(2).upto, 2)
        third, fourth = adapter.feedback(), adapter.feedback()
        self.assertEqual([f.sequence for f in (third, fourth)], [3, 4])
        self.assertEqual([f.word for f in (first, second, third, fourth)], ["accepted", "started", "outcome", "closed"])
        self.assertEqual([f.detail for f in (first, second, third, fourth)], ["", "", "started_work", "completed"])
        self.assertEqual(first.provider, "west-yorkshire/intake")
        for feedback in (first, second, third, fourth):
            self.assertEqual((feedback.source, feedback.receipt, feedback.reference),
                             ("gp-south", receipt.receipt, "mail-1"))
        fresh = self.adapter("gp-south")
        self.assertEqual(fresh.open_mailbox().acknowledged, 2)
        self.assertEqual([fresh.feedback().sequence, fresh.feedback().sequence], [3, 4])
        self.assertEqual(fresh.acknowledge(4).upto, 4)
        self.assertEqual(fresh.acknowledge(1).upto, 4)      # cumulative: nothing is taken back
        opened = self.adapter("gp-south").open_mailbox()
        self.assertEqual((opened.acknowledged, opened.last), (4, 4))

    def test_jobcentre_hears_no_reason(self):
        adapter, worker = self.adapter("jobcentre-feed"), self.worker("desk-jobcentre")
        worker.subscribe(["kent-medway/intake"], 1)
        for i, reason in enumerate((pb.CLOSE_PERSON_DECLINED, pb.CLOSE_UNREACHABLE)):
            adapter.submit(f"jcp-{i}", referral("QKS", pb.DOOR_JOBCENTRE, reason=str(i)))
            offer = worker.offer()
            worker.accept(offer)
            for channel in (pb.CHANNEL_PHONE, pb.CHANNEL_SMS, pb.CHANNEL_PHONE):
                worker.done(pb.Contacted, offer, channel=channel)
            worker.done(pb.Close, offer, reason=reason, text="private words")
        adapter.open_mailbox()
        heard = [adapter.feedback() for _ in range(4)]
        self.assertEqual([f.word for f in heard], ["with_the_service", "closed"] * 2)
        for feedback in heard:
            self.assertFalse(feedback.detail or feedback.provider)
        report = adapter.expect("status_query", pb.StatusQuery(source="jobcentre-feed", reference="jcp-0"),
                                "status_report")
        self.assertEqual(report.status, pb.STATUS_CLOSED)
        self.assertFalse(report.owner or report.next_action or report.area or report.due_ms)

    def test_everybody_of_a_joined_case_is_told(self):
        gp, page, worker = self.adapter(), self.adapter("self-page"), self.worker("desk-join")
        person = pb.Referral(door=pb.DOOR_GP, referrer_area="QPM", consent=pb.CONSENT_GIVEN)
        canary.fill(person.person)
        person.person.nhs_number = nhs_number(200)
        first = gp.submit("join-1", person.SerializeToString())
        person.door = pb.DOOR_SELF
        second = page.submit("join-2", person.SerializeToString())
        self.assertTrue(second.joined and not first.joined)
        worker.subscribe(["northamptonshire/intake"], 1)
        offer = worker.offer()
        self.assertEqual(offer.preview.referrals, 2)
        records = worker.accept(offer)
        self.assertEqual([(r.index, r.total, r.receipt, r.door) for r in records],
                         [(0, 2, first.receipt, pb.DOOR_GP), (1, 2, second.receipt, pb.DOOR_SELF)])
        page.open_mailbox()
        heard = page.feedback()
        while heard.reference != "join-2":
            heard = page.feedback()
        self.assertEqual(heard.word, "accepted")

    # ---- operators, and the end

    def test_operators_see_counts_and_no_names(self):
        self.adapter().submit("admin-1", referral("QE1"))
        with Connection(self.daemon.admin) as operator:
            state = operator.expect("admin_status", pb.AdminStatus(), "admin_state")
            self.assertTrue(state.adds_up)
            self.assertEqual(state.cases + state.joined, state.referrals)
            queues = operator.expect("queue_list", pb.QueueList(), "queues")
            self.assertIn("bath-swindon-wiltshire/intake", [q.name for q in queues.queues])
            cases, after = [], ""
            while True:
                page = operator.expect("list", pb.List(limit=3, after=after), "cases")
                cases += page.cases
                after = page.next
                if not after:
                    break
            self.assertEqual(len({c.case_code for c in cases}), state.cases)
            shown = operator.expect("show", pb.Show(code=cases[0].case_code), "shown")
            self.assertIn("received", [row.event for row in shown.timeline])
            explained = operator.expect("explain", pb.Explain(code=cases[0].receipt), "explained")
            self.assertTrue(explained.candidates and explained.reason)
            for answer in (page, shown, explained, state, queues):
                for planted in canary.ALL.values():
                    self.assertNotIn(planted, str(answer))

    def test_zz_receipts_outlive_a_kill(self):
        adapter, body = self.adapter(), referral("QE1", reason="kept")
        first = adapter.submit("kill-1", body)
        self.daemon.end(signal.SIGKILL)
        self.daemon.start()
        again = adapter.submit("kill-1", body)
        self.assertEqual((again.receipt, again.replayed), (first.receipt, True))
        later = adapter.submit("kill-2", referral("QE1", reason="another"))
        self.assertGreater((later.epoch, later.log_sequence), (first.epoch, first.log_sequence))
        self.assertEqual(self.daemon.end(signal.SIGTERM), 0)
        verified = subprocess.run([f"{arguments.bin}/referralctl", "--any-fs", "store", "verify",
                                   f"{self.daemon.folder}/store"], stdout=subprocess.PIPE, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + rest)

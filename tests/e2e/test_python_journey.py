"""The whole journey, tried by a stranger: what tests/e2e/client.py can do with the specification's every verb.

    test_python_journey.py --bin DIR         where referrald and referralctl were built; run from the project's root

Each test has areas of its own, so that nobody else's cases are in its queues.
"""
import signal
import subprocess
import sys
import time
import unittest

import test_python_client as base
import canary
from client import Adapter, NoAnswer, Operator, Worker
from test_python_client import nhs_number, pb, referral, rest

HOUR_MS = 3600 * 1000


def now_ms():
    return int(time.time() * 1000)


def about(middle, area, door=pb.DOOR_GP, consent=pb.CONSENT_GIVEN, **fields):
    """A referral of the person with this number, as a message."""
    r = pb.Referral(door=door, consent=consent, referrer_area=area, **fields)
    canary.fill(r.person)
    r.person.nhs_number = nhs_number(middle)
    return r


class JourneyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = base.Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove()

    def connected(self, connection):
        self.addCleanup(connection.close)
        return connection

    def adapter(self, source="gp-north"):
        return self.connected(Adapter(self.daemon.doors, source))

    def operator(self, name="desk lead"):
        return self.connected(Operator(self.daemon.admin, name))

    def worker(self, name, *queues, credit=8):
        worker = self.connected(Worker(self.daemon.workers, name))
        worker.subscribe(queues, credit)
        return worker

    def heard(self, adapter, references):
        """All feedback there is about these references, oldest first; everything else of the mailbox is passed over."""
        opened, found = adapter.open_mailbox(credit=4096), []
        for _ in range(opened.acknowledged, opened.last):
            feedback = adapter.feedback()
            if feedback.reference in references:
                found.append(feedback)
        return found

    def no_offer(self, worker):
        with self.assertRaises(NoAnswer):
            worker.next_unasked("offer", 0.3)

    # ---- amending

    def test_a_newer_body_moves_who_waits_and_keeps_its_place_in_time(self):
        adapter, first = self.adapter(), referral("QGH", reason="first")
        receipt = adapter.submit("amend-1", first)
        self.assertEqual((receipt.version, receipt.area), (0, "herefordshire-worcestershire"))
        second = referral("QJM", reason="second")
        changed = adapter.amend("amend-1", second, 0)
        self.assertEqual((changed.receipt, changed.version, changed.status), (receipt.receipt, 1, pb.STATUS_QUEUED))
        self.assertEqual(adapter.amend("amend-1", second, 0), changed)          # a lost answer costs nothing
        report = adapter.status("amend-1")
        self.assertEqual((report.area, report.version, report.received_ms), ("lincolnshire", 1, receipt.received_ms))
        third = referral("QJM", reason="third")
        late = adapter.refused("amend", pb.Amend(source="gp-north", reference="amend-1", referral=third, version=0))
        self.assertEqual((late.code, late.retryable), (pb.CODE_VERSION_CONFLICT, False))
        self.assertEqual(adapter.status("amend-1"), report)
        self.assertEqual(adapter.amend("amend-1", third, 1).version, 2)
        again = adapter.submit("amend-1", first)                                # the first bytes keep their receipt
        self.assertEqual((again.receipt, again.replayed), (receipt.receipt, True))
        self.assertEqual(adapter.submit_refused("amend-1", second).code, pb.CODE_CONFLICT)

    def test_an_amendment_is_judged_like_a_referral(self):
        adapter = self.adapter()
        adapter.submit("amend-2", referral("QE1"))
        nobody = pb.Amend(source="gp-north", reference="amend-2", referral=pb.Referral(reason="x").SerializeToString())
        refusal = adapter.refused("amend", nobody)
        self.assertEqual(refusal.code, pb.CODE_INVALID)
        self.assertEqual({f.code for f in refusal.findings if f.severity == pb.SEVERITY_ERROR}, {"V-020", "V-021"})
        unknown = pb.Amend(source="gp-north", reference="no-such", referral=referral("QE1"))
        self.assertEqual(adapter.refused("amend", unknown).code, pb.CODE_NOT_FOUND)
        other = pb.Amend(source="gp-north", reference="amend-2", referral=referral("QE1", pb.DOOR_EMPLOYER))
        self.assertEqual(adapter.refused("amend", other).code, pb.CODE_DOOR_NOT_ALLOWED)
        self.assertEqual(adapter.status("amend-2").version, 0)

    def test_an_amendment_reaches_who_holds_the_case(self):
        adapter, worker = self.adapter(), self.worker("desk-amend", "dorset/intake")
        adapter.submit("amend-3", referral("QVV"))
        offer = worker.offer()
        worker.accept(offer)
        newer = referral("QVV", reason="moved house", step_free=True)
        adapter.amend("amend-3", newer, 0)
        notice = worker.next_unasked("notice")
        self.assertEqual((notice.kind, notice.case_code, notice.token),
                         (pb.NOTICE_AMENDED, offer.case_code, offer.token))
        self.assertEqual([r.referral for r in worker.accept(offer)], [newer])

    def test_consent_comes_and_goes_by_amendment(self):
        adapter, worker = self.adapter(), self.worker("desk-consent", "gloucestershire/intake")
        without, given = about(300, "QR1", consent=pb.CONSENT_NOT_GIVEN), about(300, "QR1")
        receipt = adapter.submit("consent-1", without.SerializeToString())
        self.assertEqual(receipt.status, pb.STATUS_ON_HOLD)
        row = self.operator().show(receipt.receipt).row
        self.assertEqual(row.hold, "consent")
        self.assertTrue(row.owner and row.due_ms)
        self.no_offer(worker)
        adapter.amend("consent-1", given.SerializeToString(), 0)
        offer = worker.offer()
        self.assertEqual(adapter.amend("consent-1", without.SerializeToString(), 1).status, pb.STATUS_ON_HOLD)
        self.assertEqual(worker.refused(*worker.verb(pb.Accept, offer)).code, pb.CODE_FENCED)
        self.no_offer(worker)
        self.assertEqual([f.word for f in self.heard(adapter, ["consent-1"])], ["held", "held"])

    # ---- taking back

    def test_taken_back_in_the_middle_of_an_offer(self):
        adapter, worker = self.adapter(), self.worker("desk-back", "somerset/intake")
        receipt = adapter.submit("back-1", referral("QSL"))
        offer = worker.offer()
        changed = adapter.withdraw("back-1", pb.WITHDRAW_REVOKED, "the person found help elsewhere")
        self.assertEqual((changed.receipt, changed.status), (receipt.receipt, pb.STATUS_CLOSED))
        notice = worker.next_unasked("notice")
        self.assertEqual((notice.kind, notice.case_code), (pb.NOTICE_WITHDRAWN, offer.case_code))
        self.assertEqual(worker.refused(*worker.verb(pb.Accept, offer)).code, pb.CODE_FENCED)
        self.assertEqual(adapter.withdraw("back-1", pb.WITHDRAW_REVOKED), changed)
        heard = self.heard(adapter, ["back-1"])
        self.assertEqual([(f.word, f.detail) for f in heard], [("closed", "withdrawn_by_referrer")])
        late = adapter.refused("amend", pb.Amend(source="gp-north", reference="back-1",
                                                  referral=referral("QSL", reason="too late")))
        self.assertEqual((late.code, late.status), (pb.CODE_STATE, pb.STATUS_CLOSED))
        unknown = pb.Withdraw(source="gp-north", reference="no-such", reason=pb.WITHDRAW_REVOKED)
        self.assertEqual(adapter.refused("withdraw", unknown).code, pb.CODE_NOT_FOUND)
        without = adapter.refused("withdraw", pb.Withdraw(source="gp-north", reference="back-1"))
        self.assertEqual([(f.path, f.code) for f in without.findings], [("reason", "V-001")])

    def test_one_of_two_referrers_takes_back_and_the_case_goes_on(self):
        gp, page = self.adapter("gp-south"), self.adapter("self-page")
        worker = self.worker("desk-two", "cornwall-isles-of-scilly/intake")
        gp.submit("two-1", about(310, "QT6").SerializeToString())
        self.assertTrue(page.submit("two-2", about(310, "QT6", pb.DOOR_SELF).SerializeToString()).joined)
        offer = worker.offer()
        gp.withdraw("two-1", pb.WITHDRAW_ENTERED_IN_ERROR)
        worker.accept(offer)                                        # the other still stands
        self.assertEqual([f.word for f in self.heard(gp, ["two-1"])], ["closed"])
        page.withdraw("two-2", pb.WITHDRAW_REVOKED)
        self.assertEqual([(f.word, f.detail) for f in self.heard(page, ["two-2"])],
                         [("accepted", ""), ("closed", "withdrawn_by_referrer")])
        self.assertEqual([f.word for f in self.heard(gp, ["two-1"])], ["closed"])   # and nothing more

    def test_a_person_s_no_is_respected_until_they_come_themselves(self):
        gp, page = self.adapter("gp-south"), self.adapter("self-page")
        worker = self.worker("desk-no", "black-country/intake")
        first = gp.submit("no-1", about(320, "QUA").SerializeToString())
        worker.offer()
        self.assertEqual(gp.withdraw("no-1", pb.WITHDRAW_PERSON).status, pb.STATUS_CLOSED)
        again = gp.submit("no-2", about(320, "QUA").SerializeToString())
        self.assertEqual((again.status, again.joined), (pb.STATUS_ON_HOLD, False))
        row = self.operator().show(again.receipt).row
        self.assertEqual(row.hold, "do_not_contact")
        self.assertGreater(row.due_ms, now_ms() + 20 * 7 * 24 * HOUR_MS)
        self.assertEqual(row.previous, self.operator().show(first.receipt).row.case_code)
        self.assertNotEqual(row.case_code, row.previous)
        self.no_offer(worker)
        self.assertTrue(page.submit("no-3", about(320, "QUA", pb.DOOR_SELF).SerializeToString()).joined)
        self.assertEqual(worker.offer().case_code, row.case_code)

    # ---- what is heard

    def test_protected_doors_hear_the_same_bytes_whatever_the_reason(self):
        for source, door in (("jobcentre-feed", pb.DOOR_JOBCENTRE), ("employer-portal", pb.DOOR_EMPLOYER)):
            adapter, worker = self.adapter(source), self.worker(f"desk-{source}", "kent-medway/intake", credit=1)
            said = set()
            for reason in (pb.CLOSE_PERSON_DECLINED, pb.CLOSE_UNREACHABLE, pb.CLOSE_NOT_ELIGIBLE, pb.CLOSE_DIED):
                reference = f"{source}-{reason}"
                adapter.submit(reference, referral("QKS", door, reason=reference))
                offer = worker.offer()
                worker.accept(offer)
                for channel in (pb.CHANNEL_PHONE, pb.CHANNEL_SMS, pb.CHANNEL_PHONE):
                    worker.done(pb.Contacted, offer, channel=channel)
                worker.done(pb.Close, offer, reason=reason, text="private words")
                report, heard = adapter.status(reference), self.heard(adapter, [reference])
                for message in (report, *heard):
                    for own in ("sequence", "receipt", "reference", "at_ms", "received_ms"):
                        if own in message.DESCRIPTOR.fields_by_name:
                            message.ClearField(own)
                said.add((report.SerializeToString(), *(f.SerializeToString() for f in heard)))
            worker.goodbye()
            self.assertEqual(len(said), 1)
            self.assertEqual([f.word for f in heard], ["with_the_service", "closed"])
            for feedback in heard:
                self.assertEqual({f.name for f, _ in feedback.ListFields()}, {"source", "word"})

    def test_a_protected_door_may_amend_and_take_back_and_still_sees_no_place(self):
        adapter = self.adapter("employer-portal")
        receipt = adapter.submit("protected-1", referral("QYG", pb.DOOR_EMPLOYER))
        changed = adapter.amend("protected-1", referral("QYG", pb.DOOR_EMPLOYER, reason="newer"), 0)
        self.assertEqual((changed.receipt, changed.status, changed.version), (receipt.receipt, pb.STATUS_RECEIVED, 1))
        report = adapter.status("protected-1")
        self.assertEqual({f.name for f, _ in report.ListFields()}, {"receipt", "status", "received_ms", "version"})
        self.assertEqual(adapter.withdraw("protected-1", pb.WITHDRAW_REVOKED).status, pb.STATUS_CLOSED)

    def test_a_referral_chooses_what_it_wants_to_hear(self):
        adapter, worker = self.adapter("gp-south"), self.worker("desk-choice", "northamptonshire/intake", credit=1)
        for reference, notify in (("choice-all", []), ("choice-end", [pb.NOTIFY_CLOSED]),
                                  ("choice-yes", [pb.NOTIFY_ACCEPTED, pb.NOTIFY_PROGRESS])):
            adapter.submit(reference, referral("QPM", reason=reference, notify=notify))
            offer = worker.offer()
            worker.accept(offer)
            worker.done(pb.Started, offer, employment=pb.EMPLOYMENT_OFF_SICK, main_barrier=7)
            worker.done(pb.Outcome, offer, kind=pb.OUTCOME_RETURNED_TO_WORK)
            worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED)
        heard = {r: [f.word for f in self.heard(adapter, [r])] for r in ("choice-all", "choice-end", "choice-yes")}
        self.assertEqual(heard, {"choice-all": ["accepted", "started", "outcome", "closed"], "choice-end": ["closed"],
                                 "choice-yes": ["accepted", "started", "outcome"]})

    def test_feedback_says_in_plain_terms_where_the_case_is(self):
        adapter, worker = self.adapter(), self.worker("desk-plain", "staffordshire-stoke-on-trent/intake")
        adapter.submit("plain-1", referral("QNC"))
        worker.accept(worker.offer())
        (feedback,), report = self.heard(adapter, ["plain-1"]), adapter.status("plain-1")
        self.assertEqual((feedback.status, feedback.owner, feedback.since_ms, feedback.due_ms),
                         (pb.STATUS_ACCEPTED, report.owner, report.since_ms, report.due_ms))
        self.assertTrue(feedback.owner and feedback.since_ms and feedback.due_ms > feedback.since_ms)

    # ---- noes and refusals

    def test_unreachable_needs_attempts_on_different_channels(self):
        adapter, worker = self.adapter(), self.worker("desk-unreachable", "west-yorkshire/intake")
        adapter.submit("unreachable-1", referral("QWO"))
        offer = worker.offer()
        worker.accept(offer)
        close = worker.verb(pb.Close, offer, reason=pb.CLOSE_UNREACHABLE)
        for channel in (pb.CHANNEL_PHONE, pb.CHANNEL_PHONE, pb.CHANNEL_PHONE):
            self.assertEqual(worker.refused(*close).code, pb.CODE_STATE)
            worker.done(pb.Contacted, offer, channel=channel)
        refusal = worker.refused(*close)                            # three times, but one channel
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_ACCEPTED))
        worker.done(pb.Contacted, offer, channel=pb.CHANNEL_LETTER)
        self.assertEqual(worker.done(pb.Close, offer, reason=pb.CLOSE_UNREACHABLE).status, pb.STATUS_CLOSED)

    def test_a_refusal_names_what_is_possible_and_changes_nothing(self):
        adapter, operator = self.adapter(), self.operator()
        worker = self.worker("desk-legal", "bath-swindon-wiltshire/intake")
        receipt = adapter.submit("legal-1", referral("QOX", reason="legal"))
        offer = worker.offer()
        worker.accept(offer)
        before = operator.show(receipt.receipt)
        refusal = worker.refused(*worker.verb(pb.Touch, offer))
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_ACCEPTED))
        self.assertEqual(set(refusal.legal), {"contacted", "started", "close"})
        refusal = operator.refused(*operator.verb(pb.SendBack, "a slip", code=receipt.receipt))
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_ACCEPTED))
        self.assertIn("shut", refusal.legal)
        self.assertNotIn("send_back", refusal.legal)
        self.assertEqual(operator.show(receipt.receipt), before)

    # ---- the triage desk

    def declining(self, reference, area, worker):
        receipt = self.adapter().submit(reference, referral(area, reason=reference))
        offer = worker.offer()
        worker.done(pb.Decline, offer, reason=pb.DECLINE_NO_CAPACITY, text="full until spring", role="manager",
                    next_step="the neighbouring area has room")
        return receipt.receipt, offer

    def test_triage_sends_back_approves_holds_releases_and_closes(self):
        worker, operator = self.worker("desk-triage", "south-yorkshire/intake"), self.operator("A. Officer")
        code, offer = self.declining("triage-1", "QF7", worker)
        self.assertEqual(operator.show(code).row.status, pb.STATUS_DECLINING)
        acted = operator.act(pb.SendBack, "they have two places free", code=code)
        self.assertEqual((acted.before.status, acted.after.status), (pb.STATUS_DECLINING, pb.STATUS_QUEUED))
        self.assertIn("sent_back", acted.events)
        again = worker.offer()
        self.assertEqual(again.case_code, offer.case_code)
        worker.done(pb.Decline, again, reason=pb.DECLINE_SAFETY, text="lone worker rules", role="manager")
        acted = operator.act(pb.Hold, "the risk is being looked at", code=code, until_ms=now_ms() + HOUR_MS)
        self.assertEqual((acted.after.status, acted.after.hold), (pb.STATUS_ON_HOLD, "operator"))
        acted = operator.act(pb.Release, "looked at", code=code, queue="lincolnshire/intake")
        self.assertEqual((acted.after.status, acted.after.queue), (pb.STATUS_QUEUED, "lincolnshire/intake"))
        said_no = operator.verb(pb.Place, "nearer home", code=code, queue="south-yorkshire/intake")
        self.assertEqual(operator.refused(*said_no).code, pb.CODE_INVALID)
        acted = operator.act(pb.Place, "agreed by phone", code=code, queue="south-yorkshire/intake", override_no=True)
        self.assertEqual((acted.after.status, acted.after.queue), (pb.STATUS_QUEUED, "south-yorkshire/intake"))
        last = worker.offer()
        self.assertEqual(last.case_code, offer.case_code)
        acted = operator.act(pb.Shut, "helped by the GP's own team", code=code, close=pb.CLOSE_ALREADY_ON_PROVISION)
        self.assertEqual(acted.after.status, pb.STATUS_CLOSED)
        self.assertEqual(worker.next_unasked("notice").kind, pb.NOTICE_WITHDRAWN)
        self.assertEqual(worker.refused(*worker.verb(pb.Accept, last)).code, pb.CODE_FENCED)
        actors = [row.actor for row in operator.show(code).timeline]
        self.assertGreaterEqual(sum("A. Officer" in actor for actor in actors), 5)
        refusal = operator.refused(*operator.verb(pb.Place, "too late", code=code, queue="lincolnshire/intake"))
        self.assertEqual((refusal.code, refusal.status), (pb.CODE_STATE, pb.STATUS_CLOSED))

    def test_approving_a_decline_is_placing_elsewhere(self):
        worker, operator = self.worker("desk-approve", "birmingham-solihull/intake"), self.operator()
        other = self.worker("desk-approve-2", "derby-derbyshire/intake", credit=1)
        code, offer = self.declining("approve-1", "QHL", worker)
        acted = operator.act(pb.Place, "agreed: no places there", code=code, queue="derby-derbyshire/intake")
        self.assertEqual((acted.before.status, acted.after.status), (pb.STATUS_DECLINING, pb.STATUS_QUEUED))
        moved = other.offer()
        self.assertEqual(moved.case_code, offer.case_code)
        self.assertEqual(len(other.accept(moved)), 1)

    def test_operators_say_who_and_why_and_what(self):
        operator, nobody = self.operator(), self.operator("")
        code = self.adapter().submit("who-1", referral("QE1")).receipt
        until = now_ms() + HOUR_MS
        for message, fields in ((pb.Place, {"queue": "lincolnshire/intake"}), (pb.SendBack, {}),
                                (pb.Hold, {"until_ms": until}), (pb.Release, {}),
                                (pb.Shut, {"close": pb.CLOSE_DIED}), (pb.Link, {"to": "WC-0000-0000"}),
                                (pb.Unlink, {})):
            for who, why in ((nobody, "why"), (operator, "")):
                self.assertEqual(who.refused(*who.verb(message, why, code=code, **fields)).code,
                                 pb.CODE_REASON_MISSING, message)
            if message != pb.Link:
                unknown = operator.verb(message, "why", code="WC-0000-0000", **fields)
                self.assertEqual(operator.refused(*unknown).code, pb.CODE_NOT_FOUND, message)
        setting = nobody.verb(pb.QueueSet, "why", queue="lincolnshire/intake", mode=pb.QUEUE_PAUSE, until_ms=until)
        self.assertEqual(nobody.refused(*setting).code, pb.CODE_REASON_MISSING)
        for fields, path in (({"queue": "x"}, "code"), ({"code": code}, "queue")):
            refusal = operator.refused(*operator.verb(pb.Place, "why", **fields))
            self.assertEqual([(f.path, f.code) for f in refusal.findings], [(path, "V-001")])
        unknown = operator.verb(pb.Place, "why", code=code, queue="no/such")
        self.assertEqual(operator.refused(*unknown).code, pb.CODE_UNKNOWN_QUEUE)
        elsewhere = self.adapter().refused(*operator.verb(pb.Hold, "why", code=code, until_ms=until))
        self.assertEqual(elsewhere.code, pb.CODE_WRONG_SOCKET)
        past = operator.verb(pb.Hold, "why", code=code, until_ms=now_ms() - 1000)
        self.assertEqual(operator.refused(*past).code, pb.CODE_INVALID)

    def test_linked_and_unlinked_is_as_it_was(self):
        operator, adapter = self.operator(), self.adapter()
        one = operator.show(adapter.submit("link-1", about(400, "QJK").SerializeToString()).receipt)
        two = operator.show(adapter.submit("link-2", about(500, "QJK").SerializeToString()).receipt)
        acted = operator.act(pb.Link, "same person, a digit was wrong", code=two.row.case_code, to=one.row.case_code)
        self.assertEqual(acted.after.linked_to, one.row.case_code)
        refusal = operator.refused(*operator.verb(pb.Shut, "x", code=two.row.case_code, close=pb.CLOSE_DIED))
        self.assertEqual(refusal.code, pb.CODE_STATE)
        self.assertIn("unlink", refusal.legal)
        acted = operator.act(pb.Unlink, "no, two sisters", code=two.row.case_code)
        self.assertEqual(acted.after, two.row)
        self.assertEqual(operator.show(one.row.case_code), one)
        self.assertEqual(operator.show(two.row.case_code).row, two.row)

    def test_who_may_be_the_same_person_is_marked_for_a_person_to_decide(self):
        operator, adapter, codes = self.operator(), self.adapter(), []
        for i, middle in enumerate((600, 700)):
            r = about(middle, "QYG")
            r.person.date_of_birth, r.person.postcode = "1980-02-29", "NG1 5DT"
            codes.append(adapter.submit(f"alike-{i}", r.SerializeToString()).receipt)
        rows = [operator.show(code).row for code in codes]
        self.assertNotEqual(rows[0].case_code, rows[1].case_code)
        self.assertEqual(rows[1].resembles, rows[0].case_code)
        operator.act(pb.Unlink, "two people", code=rows[1].case_code)
        self.assertEqual(operator.show(codes[1]).row.resembles, "")

    # ---- queues

    def set_queue(self, operator, queue, mode, **fields):
        return operator.expect(*operator.verb(pb.QueueSet, "staff are ill", queue=queue, mode=mode, **fields), "acted")

    def test_a_paused_queue_offers_nobody_until_its_end(self):
        queue, operator, adapter = "nottingham-nottinghamshire/intake", self.operator("B. Lead"), self.adapter()
        worker, until = self.worker("desk-pause", queue), now_ms() + HOUR_MS
        for wrong in ({}, {"until_ms": now_ms() - 1000}):
            refusal = operator.refused(*operator.verb(pb.QueueSet, "x", queue=queue, mode=pb.QUEUE_PAUSE, **wrong))
            self.assertEqual(refusal.code, pb.CODE_INVALID)
        dry = operator.expect(*operator.verb(pb.QueueSet, "x", queue=queue, mode=pb.QUEUE_PAUSE, until_ms=until,
                                             dry_run=True), "acted")
        self.assertTrue(dry.dry_run)
        self.assertEqual(dry.queue, operator.queue(queue))
        self.assertEqual(operator.queue(queue).mode, pb.QUEUE_CLEAR)
        self.set_queue(operator, queue, pb.QUEUE_PAUSE, until_ms=until)
        row = operator.queue(queue)
        self.assertEqual((row.mode, row.until_ms, row.set_by, row.why),
                         (pb.QUEUE_PAUSE, until, "B. Lead", "staff are ill"))
        adapter.submit("pause-1", referral("QT1", reason="pause"))
        self.no_offer(worker)
        self.set_queue(operator, queue, pb.QUEUE_CLEAR)
        worker.accept(worker.offer())
        self.assertEqual(operator.queue(queue).working, 1)
        self.set_queue(operator, queue, pb.QUEUE_PAUSE, until_ms=now_ms() + 1000)
        adapter.submit("pause-2", referral("QT1", reason="pause again"))
        self.assertTrue(worker.offer().case_code)                   # the setting ended by itself
        self.assertEqual(operator.queue(queue).mode, pb.QUEUE_CLEAR)

    def test_a_held_queue_sends_to_triage_and_a_diverted_one_elsewhere(self):
        queue, until = "shropshire-telford-wrekin/intake", now_ms() + HOUR_MS
        operator, adapter = self.operator(), self.adapter()
        self.set_queue(operator, queue, pb.QUEUE_HOLD, until_ms=until)
        held = adapter.submit("held-queue", referral("QOC", reason="1"))
        self.assertEqual((held.status, held.queue), (pb.STATUS_TRIAGE, "shropshire-telford-wrekin/triage"))
        self.set_queue(operator, queue, pb.QUEUE_DIVERT, until_ms=until, to="lincolnshire/intake")
        diverted = adapter.submit("diverted", referral("QOC", reason="2"))
        self.assertEqual((diverted.status, diverted.queue), (pb.STATUS_QUEUED, "lincolnshire/intake"))
        self.assertEqual(operator.queue(queue).to, "lincolnshire/intake")
        unknown = operator.verb(pb.QueueSet, "x", queue=queue, mode=pb.QUEUE_DIVERT, until_ms=until, to="no/such")
        self.assertEqual(operator.refused(*unknown).code, pb.CODE_UNKNOWN_QUEUE)
        self.set_queue(operator, queue, pb.QUEUE_CLEAR)
        self.assertEqual(adapter.submit("cleared", referral("QOC", reason="3")).queue, queue)

    def test_capacity_bounds_who_is_worked_with(self):
        queue, operator, adapter = "coventry-warwickshire/intake", self.operator(), self.adapter()
        self.set_queue(operator, queue, pb.QUEUE_CAPACITY, until_ms=now_ms() + HOUR_MS, capacity=1)
        worker = self.worker("desk-capacity", queue)
        for i in range(2):
            adapter.submit(f"capacity-{i}", referral("QWU", reason=str(i)))
        offer = worker.offer()
        worker.accept(offer)
        self.no_offer(worker)
        worker.done(pb.Close, offer, reason=pb.CLOSE_COMPLETED)
        self.assertNotEqual(worker.offer().case_code, offer.case_code)

    def test_zz_every_verb_of_the_specification_was_asked(self):
        adapter, operator = self.adapter(), self.operator()
        worker = self.worker("desk-every", "humber-north-yorkshire/intake")
        body = referral("QOQ", reason="every")
        adapter.submit("every-1", body)
        adapter.expect("validate", pb.Validate(source="gp-north", referral=body), "validated")
        adapter.expect("reconcile", pb.Reconcile(source="gp-north", references=["every-1"]), "reconciled")
        opened = adapter.open_mailbox(credit=0)
        adapter.acknowledge(opened.acknowledged)
        worker.expect("ping", pb.Ping(), "pong")
        offer = worker.offer()
        worker.done(pb.Touch, offer)
        worker.done(pb.Defer, offer, until_ms=now_ms() + 300)
        offer = worker.offer()
        worker.done(pb.Redirect, offer, queue="lincolnshire/intake", reason=pb.DECLINE_OUT_OF_AREA, text="moved")
        worker.goodbye()
        operator.expect("list", pb.List(queue="lincolnshire/intake"), "cases")
        operator.expect("explain", pb.Explain(code=offer.case_code), "explained")
        self.assertTrue(operator.expect("admin_status", pb.AdminStatus(), "admin_state").adds_up)
        operator.expect("audit_read", pb.AuditRead(limit=1), "audit_page")
        operator.expect("told_query", pb.ToldQuery(code=offer.case_code), "told")
        self.assertEqual(len(operator.expect("retention_query", pb.RetentionQuery(), "retention").rows), 5)
        who = {"operator": "ines", "reason": "every verb", "code": offer.case_code}
        operator.expect("reveal", pb.Reveal(**who), "revealed")
        operator.expect("subject_find", pb.SubjectFind(**who), "subject_found")
        operator.expect("subject_hold", pb.SubjectHold(**who), "subject_done")
        operator.expect("subject_release", pb.SubjectRelease(**who), "subject_done")
        self.assertEqual(operator.refused("subject_erase", pb.SubjectErase(**who)).code, pb.CODE_STATE)
        with open("proto/README.md", encoding="utf-8") as f:
            asked = {line.split("`")[1] for line in f if line.startswith("| `") and "` | C: | " in line}
        self.assertGreater(len(asked), 30)
        verbs = {f.name for f in pb.Envelope.DESCRIPTOR.fields if f.message_type and f.message_type.name in asked}
        self.assertEqual(len(verbs), len(asked))
        self.assertLessEqual({"submit", "amend", "withdraw", "place", "queue_set"}, Adapter.asked)
        if len(sys.argv) == 1 + len(rest):                          # all tests ran, not some that were named
            self.assertEqual(verbs - Adapter.asked, set())

    def test_zzz_all_of_it_outlives_a_kill_and_nothing_of_it_is_in_the_log(self):
        operator, adapter, until = self.operator(), self.adapter(), now_ms() + HOUR_MS
        one = adapter.submit("kept-1", about(800, "QK1").SerializeToString()).receipt
        two = adapter.submit("kept-2", about(900, "QK1").SerializeToString()).receipt
        adapter.amend("kept-1", about(800, "QK1", reason="secret words").SerializeToString(), 0)
        operator.act(pb.Link, "secret reason", code=two, to=one)
        name = "leicester-leicestershire-rutland/intake"
        queue = self.set_queue(operator, name, pb.QUEUE_PAUSE, until_ms=until).queue
        rows = [operator.show(code).row for code in (one, two)]
        self.assertEqual((queue.mode, queue.until_ms), (pb.QUEUE_PAUSE, until))
        self.daemon.end(signal.SIGKILL)
        self.daemon.start()
        self.assertEqual([operator.show(code).row for code in (one, two)], rows)
        self.assertEqual(operator.queue(queue.name), queue)
        self.assertEqual(adapter.status("kept-1").version, 1)
        self.assertEqual(self.daemon.end(signal.SIGTERM), 0)
        verified = subprocess.run([f"{base.arguments.bin}/referralctl", "--any-fs", "store", "verify",
                                   f"{self.daemon.folder}/store"], stdout=subprocess.PIPE, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)
        with open(f"{self.daemon.folder}/log", encoding="utf-8") as f:
            log = f.read()
        for private in (canary.NAME, canary.PHONE, "secret", "private words", "lone worker", nhs_number(800)):
            self.assertNotIn(private, log)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + rest)

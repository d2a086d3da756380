#!/usr/bin/env python3
"""1 April 2026 on the real daemon, over sockets, under load: at midnight in London twelve areas end, three of them
divided.

Run from the project's root with RFL_BIN naming the folder of the programs. The daemon, and only the daemon, lives by a
clock of libfaketime that reads a file: the evening is prepared in peace, and then it is three seconds to midnight.
Skipped (exit 77) without libfaketime, python3-zmq or python3-protobuf.
"""
import collections
import csv
import datetime
import glob
import os
import re
import subprocess
import sys
import time
import unittest

BIN = os.path.abspath(os.environ["RFL_BIN"])
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
SUCCESSION_CSV = "../shared/data/icb_succession_2026.csv"
os.makedirs(BIN + "/python", exist_ok=True)
subprocess.run(["protoc", "--proto_path=proto", f"--python_out={BIN}/python", "referral.proto"], check=True)
sys.path[:0] = [BIN + "/python", os.path.abspath("tests/e2e")]
try:
    import zmq                                  # noqa: F401  (only to see that it is there)
    import referral_pb2 as pb
    from client import Adapter, NoAnswer, Operator, Worker
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
if not LIBRARY:
    print("skipped: no libfaketime (package faketime)")
    sys.exit(77)
import served                                   # noqa: E402
import canary                                   # noqa: E402

UTC = datetime.timezone.utc
MIDNIGHT = datetime.datetime(2026, 3, 31, 23, tzinfo=UTC).timestamp()      # summer time had begun on the 29th
# As published, by ODS codes. More than one: divided, by sub-ICB.
SUCCESSION = {"QHG": ["S1Y5D"], "QUE": ["S1Y5D"], "QM7": ["S1Y5D", "D7T5G"], "QH8": ["D7T5G"],
              "QJG": ["D7T5G", "T6Y0W"], "QMM": ["T6Y0W"], "QXU": ["S9B9J"], "QNX": ["S9B9J"],
              "QNQ": ["S9B9J", "S0E4D", "QRL"], "QU9": ["S0E4D"], "QMJ": ["Z9B2Z"], "QRV": ["Z9B2Z"]}
PARTS = {"QM7": [("06K", "S1Y5D"), ("06N", "S1Y5D"), ("07H", "D7T5G")],
         "QJG": [("06L", "T6Y0W"), ("07K", "T6Y0W"), ("06T", "D7T5G")]}
FRIMLEY = [("U2G6B", "S0E4D"), ("D9Y0V", "QRL"), ("92A", "S9B9J"), (None, None)]     # None: not in the new edition
BUSY = ["QHG", "QM7", "QJG", "QNQ", "QU9", "QMJ"]       # people come and workers answer through the hour
LIVING = ["QJK", "QYG", "QRL"]
PER_AREA, CREDIT, LEASE_S, THROUGH_S, THROUGH_MIN = 16, 6, 2, 5, 100
TRIAGE = "national/triage"

Person = collections.namedtuple("Person", "practice area sub later later_sub home")


def invent(number, area, k):
    """On an invented practice's list. Every other one of a merged area still has the old code in the new edition."""
    practice, sub = f"Z{10000 + number}", "99Z"
    if area == "QNQ":
        part, home = FRIMLEY[k % 4]
        return Person(practice, area, "D4U1Y", home, part, home)
    if area in PARTS:
        sub, home = PARTS[area][k % 3]
    else:
        home = SUCCESSION.get(area, [area])[0]
    return Person(practice, area, sub, home if k % 2 == 0 else area, sub, home)


def nhs_number(middle):
    while True:
        digits = f"999{middle:06d}"
        check = (11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1))) % 11) % 11
        if check != 10:
            return f"{digits}{check}"
        middle += 1


class Country:
    """The evening, the hour and the first seconds after it, and what everybody heard."""

    def __init__(self, test):
        self.test, self.dir = test, test.dir
        self.names = {}
        for name, codes in re.findall(r'name = "([a-z-]+)"; region.*?codes = \((.*?)\);\n', test.read(
                test.policy + "/areas.conf"), re.S):
            for code in re.findall(r'code = "(\w{3,5})"', codes):
                self.names[code] = name
        areas = list(SUCCESSION) + LIVING
        self.people = [invent(n, area, n // len(areas)) for n, area in enumerate(areas * PER_AREA)]
        late = (BUSY + LIVING) * 200
        self.late = [invent(len(self.people) + n, area, n // len(late)) for n, area in enumerate(late)]
        self.receipts, self.workers, self.told, self.offers = {}, {}, {}, collections.Counter()
        self.killed, self.answered = 0, collections.Counter()

    def intake(self, code):
        return self.names[code] + "/intake"

    def directory(self):
        os.mkdir(self.dir + "/directory")
        for number, (label, effective) in enumerate([("before", "2025-10-01"), ("after", "2026-04-01")], 1):
            given = f"{self.dir}/given-{number}.csv"
            with open(given, "w", encoding="utf-8", newline="") as f:
                rows = csv.writer(f, quoting=csv.QUOTE_ALL)
                for person in self.people + self.late:
                    icb, sub = (person.area, person.sub) if number == 1 else (person.later, person.later_sub)
                    if icb is not None:
                        rows.writerow([person.practice, "INVENTED PRACTICE", "Y60", icb, "", "", "", "", "", "QA1 1AA",
                                       "19900401", "", "A", "B", sub, "20200401", "", "", "", "", "", "0", "", sub, "",
                                       "4", ""])
            self.test.ctl("directory", "build", "--out", f"{self.dir}/directory/{label}.rfldir", "--edition", label,
                          "--number", str(number), "--effective", effective, "--practices", given)
            os.unlink(given)

    # ---- the clock of the daemon

    def set_clock(self, moment):
        """From now on it is this moment; it goes on by itself."""
        path = self.dir + "/clock"
        self.test.write(path + ".new", f"{moment - time.time():+.3f}\n")
        os.rename(path + ".new", path)

    def is_now(self):
        with open(self.dir + "/clock", encoding="ascii") as f:
            return time.time() + float(f.read())

    # ---- people

    def connect(self):
        self.adapter = Adapter(f"ipc://{self.dir}/run/doors", "gp-north")
        self.operator = Operator(f"ipc://{self.dir}/run/admin", "desk")

    def submit(self, number, person):
        referral = pb.Referral(door=pb.DOOR_GP, consent=pb.CONSENT_GIVEN, gp_practice=person.practice)
        canary.fill(referral.person, "Ann")
        referral.person.nhs_number = nhs_number(number * 13)
        receipt = self.adapter.submit(f"april-{number}", referral.SerializeToString())
        self.receipts[receipt.receipt] = person

    def subscribe(self, area, credit):
        worker = Worker(f"ipc://{self.dir}/run/workers", f"worker-{area}")
        worker.subscribe([self.intake(area)], credit)
        self.workers[area] = worker

    def listen(self, area, worker):
        while (envelope := worker.receive(0)) is not None:
            worker.unasked.append((envelope.WhichOneof("body"), getattr(envelope, envelope.WhichOneof("body"))))
        heard, worker.unasked = worker.unasked, []
        for kind, message in heard:
            if kind == "notice" and message.kind == pb.NOTICE_QUEUE_MOVED:
                self.told.setdefault(area, []).append((message.queue, sorted(message.moved_to)))
            elif kind == "offer":
                self.answer(worker, message)

    def answer(self, worker, offer):
        """Yes, no, or nothing, until the offer lapses."""
        turn = self.offers["heard"] % 4
        self.offers["heard"] += 1
        if turn == 0:
            name, body = worker.verb(pb.Accept, offer)
        elif turn == 1:
            name, body = worker.verb(pb.Decline, offer, reason=pb.DECLINE_OTHER, text="no", role="coach")
        else:
            return
        self.answered[worker.ask(name, body)[0]] += 1

    # ---- the story

    def evening(self):
        self.set_clock(MIDNIGHT - 1800)
        self.test.start()
        self.connect()
        for number, person in enumerate(self.people):
            self.submit(number, person)
        for area in SUCCESSION:
            self.subscribe(area, CREDIT if area in BUSY else 0)
        for area in LIVING:
            self.subscribe(area, CREDIT)
        for _ in range(3):
            for area, worker in self.workers.items():
                self.listen(area, worker)
        self.before = self.look()
        self.plan = self.read_plan(False)

    def hour(self):
        """Three seconds before midnight until everybody is home and some seconds have passed."""
        number = len(self.people)
        late = iter(self.late)
        self.set_clock(MIDNIGHT - 3)
        deadline = time.monotonic() + served.DEADLINE_S
        while self.is_now() < MIDNIGHT + THROUGH_S or number < len(self.people) + THROUGH_MIN:
            if time.monotonic() > deadline:
                raise NoAnswer("the hour does not pass")
            for _ in range(5):
                person = next(late, None)
                if person is not None:
                    self.submit(number, person)
                    number += 1
            for area in list(self.workers):
                self.listen(area, self.workers[area])
            if self.killed < 2 and self.is_now() > MIDNIGHT - 1 + 3 * self.killed:
                area = BUSY[self.killed]
                self.workers[area].close()              # as a killed process would: no goodbye
                self.subscribe(area, CREDIT)
                self.killed += 1
        self.test.await_log("area.moved")
        self.through = number - len(self.people)
        for _ in range(20):
            for area, worker in self.workers.items():
                self.listen(area, worker)
        self.after = self.look()
        self.report = self.read_plan(True)

    def look(self):
        return {receipt: self.operator.show(receipt) for receipt in self.receipts}

    def read_plan(self, past):
        rows, after = {}, ""
        while True:
            page = self.operator.expect("area_plan", pb.AreaPlan(at_ms=int(MIDNIGHT * 1000), past=past, after=after),
                                        "area_planned")
            for row in page.rows:
                waiting, held = rows.get((row.queue, row.to), (0, 0))
                rows[row.queue, row.to] = (waiting + row.waiting, held + row.held)
            after = page.next
            if not after:
                return rows

    def close(self):
        for connection in [self.adapter, self.operator, *self.workers.values()]:
            connection.close()

    def where(self, person):
        return TRIAGE if person.home is None else self.intake(person.home)


class April(served.Served):
    """One evening; every test looks at it from another side."""

    def start(self):
        self.change_conf()
        env = dict(os.environ, LD_PRELOAD=LIBRARY[0], FAKETIME_TIMESTAMP_FILE=self.dir + "/clock", TZ="UTC",
                   FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_DISABLE_SHM="1",
                   NO_FAKE_STAT="1")
        with open(self.dir + "/log", "ab") as log:
            self.daemon = subprocess.Popen([BIN + "/referrald", "-c", self.dir + "/referrald.conf"], stderr=log,
                                           stdout=log, env=env)
        until = time.monotonic() + served.DEADLINE_S
        while self.run_ctl("status").returncode != 0:
            self.assertTrue(time.monotonic() < until and self.daemon.poll() is None, self.log())

    def change_conf(self):
        path = self.dir + "/referrald.conf"
        text = self.read(path).replace('directory_dir = "";', f'directory_dir = "{self.dir}/directory";\n'
                                       f'lease_min = "{LEASE_S}s";\nsession_idle = "1h";')
        self.write(path, text)

    def test_the_hour(self):
        c = Country(self)
        c.directory()
        c.evening()
        c.hour()
        for look in (self.the_filter_was_on, self.nobody_is_lost, self.who_waited_is_home, self.clocks_went_on,
                     self.nobody_was_offered_twice_at_once, self.totals_go_by_the_succession, self.workers_heard,
                     self.the_log_says_so, self.the_plan_came_true, self.it_was_under_load):
            with self.subTest(look.__name__):
                look(c)
        exported = self.dir + "/export"
        self.ctl("audit", "export", "--out", exported)
        subprocess.run([sys.executable, "tools/audit_verify.py", exported], check=True, stdout=subprocess.DEVNULL)
        os.unlink(exported)
        c.close()
        self.stop()
        self.ctl("--any-fs", "store", "verify", self.store)

    def the_filter_was_on(self, _):
        status = self.read(f"/proc/{self.daemon.pid}/status")
        self.assertIn("Seccomp:\t2\n", status)

    def it_was_under_load(self, c):
        self.assertGreaterEqual(c.through, THROUGH_MIN)
        self.assertEqual(c.killed, 2)
        self.assertGreater(c.answered["record"], 10)
        self.assertGreater(c.answered["done"], 10)
        self.assertEqual(set(c.answered) - {"record", "done", "refusal"}, set())
        after = collections.Counter(row.event for shown in c.after.values() for row in shown.timeline)
        self.assertGreater(after["lapsed"], 3)
        midnight_ms, out, answers = int(MIDNIGHT * 1000), 0, collections.Counter()
        for shown in c.after.values():
            for row, later in zip(shown.timeline, shown.timeline[1:]):
                if row.event == "offered" and row.at_ms < midnight_ms <= later.at_ms:
                    out += 1
                    answers[later.event] += 1
        self.assertGreater(out, 5, answers)             # offers that were out at midnight

    def nobody_is_lost(self, c):
        self.assertEqual(len(c.after), len(c.people) + c.through)
        self.assertEqual(len({shown.row.case_code for shown in c.after.values()}), len(c.after))
        for receipt, shown in c.after.items():
            self.assertTrue(shown.row.owner and shown.row.due_ms and shown.row.next_action, receipt)
            self.assertEqual(shown.timeline[0].event, "received")

    def who_waited_is_home(self, c):
        """Only a worker keeps somebody in an area that has ended."""
        at_desk = 0
        for receipt, person in c.receipts.items():
            row, home = c.after[receipt].row, c.where(person)
            with_worker = row.status in (pb.STATUS_OFFERED, pb.STATUS_ACCEPTED)
            if with_worker and row.queue == c.intake(person.area):
                continue
            self.assertEqual(row.queue, home, f"{person} {row}")
            at_desk += home == TRIAGE
        self.assertGreater(at_desk, 2)                  # Frimley's people of whom nobody knows the part

    def clocks_went_on(self, c):
        """Whom nothing happened to but the move waits until the very moment that was said before."""
        compared = 0
        for receipt, was in c.before.items():
            happened = [row.event for row in c.after[receipt].timeline[len(was.timeline):]]
            if happened in (["rehomed"], ["unhomed"]):
                self.assertEqual(c.after[receipt].row.due_ms, was.row.due_ms)
                self.assertEqual(c.after[receipt].row.opened_ms, was.row.opened_ms)
                compared += 1
        self.assertGreater(compared, 80)

    def nobody_was_offered_twice_at_once(self, c):
        ends = {"accepted", "declined", "lapsed", "returned", "redirected", "deferred", "closed"}
        for receipt, shown in c.after.items():
            out = False
            for row in shown.timeline:
                self.assertFalse(out and row.event in ("offered", "rehomed", "unhomed"), f"{receipt} {shown.timeline}")
                out = row.event == "offered" or (out and row.event not in ends)

    def totals_go_by_the_succession(self, c):
        """By the published file, where there is one: whoever was in an area before is in those that follow it, or stays
        with a worker of the old one, or is at the national desk."""
        succession = collections.defaultdict(set)
        if os.path.exists(SUCCESSION_CSV):
            with open(SUCCESSION_CSV, encoding="utf-8") as f:
                for row in csv.DictReader(f):
                    if row["predecessor_ods"] != row["successor_ods"]:
                        succession[row["predecessor_ods"]].add(row["successor_ods"])
            self.assertEqual({old: set(new) for old, new in SUCCESSION.items()},
                             {old: new for old, new in succession.items() if old in SUCCESSION})
        was, now = collections.Counter(), collections.Counter()
        for receipt, shown in c.before.items():
            person, row = c.receipts[receipt], c.after[receipt].row
            self.assertEqual(shown.row.queue, c.intake(person.area))
            was[person.area] += 1
            lawful = {c.intake(code) for code in SUCCESSION.get(person.area, [])} | {c.intake(person.area)}
            lawful |= {TRIAGE} if person.area == "QNQ" else set()
            now[person.area] += row.queue in lawful
        self.assertEqual(was, now)

    def workers_heard(self, c):
        for area, next_areas in SUCCESSION.items():
            told = c.told.get(area, [])
            wanted = (c.intake(area), sorted(c.intake(code) for code in next_areas))
            self.assertTrue(told and all(one == wanted for one in told), f"{area}: {told}")
        self.assertEqual([area for area in LIVING if area in c.told], [])

    def the_log_says_so(self, c):
        lines = re.findall(r"area\.moved.*?queue=(\S+).*?cases=(\d+)", self.log())
        moved = sum(int(count) for _, count in lines)
        counters = {row["name"]: row["value"] for row in self.ask("status")["counters"]}
        self.assertEqual(moved, counters["rehomed"] + counters["unhomed"])
        events = collections.Counter(row.event for shown in c.after.values() for row in shown.timeline)
        self.assertEqual((events["rehomed"], events["unhomed"]), (counters["rehomed"], counters["unhomed"]))

    def the_plan_came_true(self, c):
        """Of areas where nothing happened through the hour, to the last person; of the others, from which to which."""
        quiet = {c.intake(area) for area in SUCCESSION if area not in BUSY}
        planned = {pair: counts[0] for pair, counts in c.plan.items() if pair[0] in quiet and counts[0]}
        reported = {pair: counts[0] for pair, counts in c.report.items() if pair[0] in quiet and counts[0]}
        self.assertEqual(planned, reported)
        self.assertEqual(sum(planned.values()), len(quiet) * PER_AREA)
        self.assertTrue(set(c.plan) >= {pair for pair in c.report}, f"{c.plan} {c.report}")


if __name__ == "__main__":
    unittest.main()

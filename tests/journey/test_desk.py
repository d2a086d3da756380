#!/usr/bin/python3
"""A day at a triage desk, as tools/README.md tells it: played with referralctl against a real daemon, and compared.

    test_desk.py --bin DIR [--write]    DIR: the folder with referrald and referralctl; run from the project's root

What is printed must be what the document shows between its two marks, but for codes, times and widths of columns. With
--write the document is written anew: read it then, a person has to follow it. Skipped (exit 77) without python3-zmq.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import test_python_client as base                                   # noqa: E402
import canary                                                       # noqa: E402
from client import Adapter, Worker                                  # noqa: E402
from test_python_client import arguments, nhs_number, pb, rest      # noqa: E402

DOCUMENT = os.path.join(ROOT, "tools", "README.md")
BEGIN, END = "<!-- the day begins -->\n", "<!-- the day ends -->\n"
DEADLINE_S = 30
TIME = re.compile(r"\d\d [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d \((?:in )?\d+ (?:s|min|h|d)(?: ago)?\)")
CODE = re.compile(r"\bW[CW]-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
MANCHESTER, MERSEYSIDE, LANCASHIRE, DORSET = (area + "/intake" for area in (
    "greater-manchester", "cheshire-merseyside", "lancashire-south-cumbria", "dorset"))
ODS = {MANCHESTER: "QOP", MERSEYSIDE: "QYG", LANCASHIRE: "QE1", DORSET: "QVV"}


def change(path, *pairs):
    """Replaces texts that must be there."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for pattern, to in pairs:
        text, count = re.subn(pattern, to, text, flags=re.S)
        assert count == 1, (path, pattern)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Desk(base.Daemon):
    """A daemon whose offices are open around the clock, and whose Dorset waits for nobody longer than two seconds."""

    def start(self):
        policy = f"{self.folder}/policy"
        subprocess.run(["cp", "-r", "config/policy", policy], check=True)
        days = "".join(f'{day} = "00:00-24:00"; ' for day in ("monday", "tuesday", "wednesday", "thursday", "friday",
                                                              "saturday", "sunday"))
        change(f"{policy}/calendar.conf", (r"(\nhours = \{).*?(\n\};)", rf"\1 {days}\2"),
               (r"(\nholidays = \().*?(\n\);)", r"\1\2"))
        lead = 'lead = "WorkWell lead, Dorset"; '
        change(f"{policy}/areas.conf", (lead + r"\};", lead + 'clocks = { lease = "1ws"; accept = "2ws"; }; };'))
        change(f"{self.folder}/referrald.conf", (r'policy_dir = ".*?"', f'policy_dir = "{policy}"'))
        super().start()


class Day:
    """The story: what happens, what is typed, what is printed."""

    def __init__(self, desk):
        self.desk, self.text, self.code, self.open = desk, "", {}, False
        self.people = 0

    def say(self, words):
        self.close()
        self.text += textwrap.fill(words, 118, break_long_words=False, break_on_hyphens=False) + "\n\n"

    def close(self):
        if self.open:
            self.text += "```\n\n"
        self.open = False

    def run(self, *words):
        env = dict(os.environ, REFERRALD_ADMIN=self.desk.admin, REFERRALD_DOORS=self.desk.doors, USER="priya",
                   TZ="Europe/London")
        return subprocess.run([f"{arguments.bin}/referralctl", *words], stdout=subprocess.PIPE, text=True, env=env,
                              stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False)

    def type(self, line, code=0):
        """Types a line, in which {Ada} is the code of Ada's case, and shows it with what is printed."""
        line = line.format(**self.code)
        done = self.run(*shlex.split(line)[1:])
        assert done.returncode == code, (line, done.returncode, done.stdout)
        if not self.open:
            self.text += "```console\n"
            self.open = True
        self.text += f"$ {line}\n" + "".join(row.rstrip() + "\n" for row in done.stdout.splitlines())
        if code != 0:
            self.text += f"(exit {code})\n"
        self.text += "\n" if self.text.endswith("```\n") else ""

    def refer(self, name, source, door, queue=None, **fields):
        """A referral of somebody; their case is known by the name from then on."""
        fields.setdefault("consent", pb.CONSENT_GIVEN)
        person = fields.pop("person", {"nhs_number": nhs_number(7000 + 10 * self.people)})
        referral = pb.Referral(door=door, referrer_area=ODS[queue] if queue else "", **fields)
        canary.fill(referral.person, name)
        for key, value in person.items():
            setattr(referral.person, key, value)
        with Adapter(self.desk.doors, source) as adapter:
            receipt = adapter.submit(f"desk-{self.people}", referral.SerializeToString())
        self.people += 1
        self.code[name] = json.loads(self.run("show", receipt.receipt, "--json").stdout)["row"]["case_code"]

    def worker_says(self, name, queue, message, **fields):
        """An intake worker of the queue takes what is offered to be the person's case, and answers."""
        with Worker(self.desk.workers, "desk-" + queue.split("/", maxsplit=1)[0]) as worker:
            worker.subscribe([queue], 1)
            offer = worker.offer()
            assert offer.case_code == self.code[name], "somebody else's case was offered"
            worker.done(message, offer, **fields)
            worker.goodbye()

    def wait_until_escalated(self, name):
        until = time.monotonic() + DEADLINE_S
        while "escalated" not in self.run("show", self.code[name]).stdout:
            assert time.monotonic() < until, "the clock of Dorset does not run out"
            time.sleep(0.05)


def night(day):
    """What came before the desk opens."""
    day.refer("Ada", "self-page", pb.DOOR_SELF, person={"postcode": "ZZ99 3VZ", "date_of_birth": "1980-01-01"})
    day.refer("Bob", "jobcentre-feed", pb.DOOR_JOBCENTRE, MANCHESTER, consent=pb.CONSENT_NOT_STATED)
    day.refer("Cleo", "gp-north", pb.DOOR_GP, LANCASHIRE)
    day.worker_says("Cleo", LANCASHIRE, pb.Decline, reason=pb.DECLINE_OUT_OF_AREA, text="lives in Bolton",
                    role="intake officer")
    day.refer("Dan", "gp-north", pb.DOOR_GP, MERSEYSIDE)
    day.worker_says("Dan", MERSEYSIDE, pb.Decline, reason=pb.DECLINE_NO_CAPACITY, text="full until Thursday",
                    role="intake officer")
    same = {"date_of_birth": "1975-03-09", "postcode": "QX1 1AA"}
    day.refer("Eve", "gp-north", pb.DOOR_GP, MANCHESTER, person=dict(same, nhs_number=nhs_number(500)))
    eve = day.code["Eve"]
    day.refer("Eve", "gp-south", pb.DOOR_GP, MANCHESTER, person=dict(same, nhs_number=nhs_number(600)))
    day.code["Eve2"], day.code["Eve"] = day.code["Eve"], eve
    day.refer("Gus", "employer-portal", pb.DOOR_EMPLOYER, DORSET)
    day.wait_until_escalated("Gus")


def morning(day):
    day.say("Priya opens the desk. Overnight six cases have come to it.")
    day.type("referralctl triage list")
    day.say("**Ada** referred herself and has no fixed address, so no area could be found: she says that she sleeps "
            "in Leigh. Priya tries it dry first; then the same with `--execute`.")
    assign = "referralctl triage assign {Ada} " + MANCHESTER + ' --reason "sleeps in Leigh, by phone" '
    day.type(assign.strip(), code=64)
    day.type(assign + "--dry-run")
    day.type(assign + "--execute")
    day.say("**Bob** came from a Jobcentre that did not say whether he agreed. Nothing is passed on before he does, "
            "and an assignment cannot get round that: the refusal says what is possible instead. Priya rings him; he "
            "agrees.")
    day.type("referralctl triage assign {Bob} " + MANCHESTER + ' --reason "his area" --execute', code=1)
    day.type('referralctl triage release {Bob} --reason "agreed by phone, 09:20" --execute')


def noes(day):
    day.say("**Cleo**'s provider says that she lives elsewhere. A decline is a proposal; Priya agrees, and names the "
            "right queue in the same breath, so nobody has to refer her again.")
    day.type("referralctl triage approve {Cleo} " + MANCHESTER + ' --reason "address checked: Bolton" --execute')
    day.say("**Dan**'s provider is full until Thursday. His deadline is later than that, so the decline does not "
            "stand.")
    day.type('referralctl triage send-back {Dan} --reason "Thursday is early enough" --execute')
    day.say("They decline once more, and this time Priya takes him to the desk of his own area. The queue that said "
            "no is not asked again by accident: only with `--override-no`, which is recorded.")
    day.worker_says("Dan", MERSEYSIDE, pb.Decline, reason=pb.DECLINE_NO_CAPACITY, text="still full",
                    role="intake officer")
    day.type('referralctl triage approve {Dan} --reason "second no; asking their manager" --execute')
    day.type("referralctl triage assign {Dan} " + MERSEYSIDE + ' --reason "manager found a place" --execute', code=65)
    day.type("referralctl triage assign {Dan} " + MERSEYSIDE +
             ' --reason "manager found a place" --override-no --execute')


def people(day):
    day.say("**Eve** came through two surgeries with the same name, birthday and postcode, but different NHS numbers. "
            "The second surgery confirms a typing error: they are one person. Her second case rests on the first.")
    day.type('referralctl case link {Eve2} {Eve} --reason "NHS number mistyped, confirmed" --execute')
    day.type("referralctl triage hold {Eve2} --until +2h --reason test --execute", code=1)
    day.say("An hour later the surgery rings again: twins. What was linked is unlinked, exactly as it was before; and "
            "the mark that they resemble each other is taken away, so that nobody asks again.")
    day.type('referralctl case unlink {Eve2} --reason "twins, surgery rang back" --execute')
    day.type('referralctl case unlink {Eve2} --reason "twins, surgery rang back" --execute')
    day.say("**Gus** waits in Dorset, where nobody has answered in time. The clock asked the area's lead, and the "
            "lead asks Priya to move him.")
    day.type("referralctl triage redirect {Gus} " + MANCHESTER + ' --reason "works in Salford; lead agrees" --execute')
    day.say("Ada rings: she is in hospital until tomorrow. And Bob's letter comes back: he has moved to Wales.")
    day.type('referralctl triage hold {Ada} --until +1d --reason "in hospital until tomorrow" --execute')
    day.type('referralctl triage close {Bob} --as person_moved --reason "moved to Wales, told the Jobcentre" --execute')


def queues(day):
    day.say("At noon Greater Manchester's system is down. Every setting of a queue has an end, so none can be "
            "forgotten.")
    day.type("referralctl queue pause " + MANCHESTER + ' --reason "their system is down" --execute', code=64)
    day.type("referralctl queue pause " + MANCHESTER + ' --until +2h --reason "their system is down" --execute')
    day.type("referralctl queue divert " + DORSET + " --to " + MERSEYSIDE +
             ' --until +1d --reason "nobody answers in Dorset" --dry-run')
    day.type("referralctl queue divert " + DORSET + " --to " + MERSEYSIDE +
             ' --until +1d --reason "nobody answers in Dorset" --execute')
    day.type("referralctl queue capacity " + LANCASHIRE + ' 20 --until +3d --reason "two of five are away" --execute')
    day.type("referralctl queue clear " + MANCHESTER + ' --reason "their system is back" --execute')


def evening(day):
    day.say("Before she goes, Priya looks once more: one case is left with the desk, with an owner and an end. And "
            "what was done can be read by whoever comes next.")
    day.type("referralctl triage list")
    day.type("referralctl show {Dan}")
    day.close()


def plain(text):
    """What must be the same: no times, no widths, codes by the order in which they appear, no numbers of entries."""
    seen = {}
    text = TIME.sub("TIME", text)
    text = CODE.sub(lambda m: seen.setdefault(m.group(), f"CODE {len(seen) + 1}"), text)
    text = re.sub(r"(?m)^ *\d+  TIME", "ENTRY  TIME", text)
    return re.sub(r" {2,}", "  ", text).rstrip().split("\n")


def played():
    desk = Desk()
    try:
        day = Day(desk)
        night(day)
        for part in (morning, noes, people, queues, evening):
            part(day)
        return day.text
    finally:
        desk.remove()


def document():
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    head, middle = text.split(BEGIN)
    middle, tail = middle.split(END)
    return head, middle, tail


class DeskTest(unittest.TestCase):
    maxDiff = None

    def test_the_day_goes_as_the_document_tells_it(self):
        self.assertEqual(plain(played()), plain(document()[1]))

    def test_what_is_compared_is_more_than_nothing(self):
        told = document()[1]
        self.assertGreaterEqual(told.count("\n$ referralctl "), 20)
        self.assertNotEqual(plain(told), plain(told.replace("queued", "triage", 1)))
        self.assertNotEqual(plain(told), plain(CODE.sub("WC-0000-0000", told)))


if __name__ == "__main__":
    if "--write" in rest:
        begin, _, end = document()
        new = played()
        with open(DOCUMENT, "w", encoding="utf-8") as out:
            out.write(begin + BEGIN + new + END + end)
    else:
        unittest.main(argv=[sys.argv[0]] + rest)

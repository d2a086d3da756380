#!/usr/bin/python3
"""An hour of an information-governance lead, as tools/README.md tells it: played against a real daemon, and compared.

    test_governance.py --bin DIR [--write]      DIR: the folder with referrald and referralctl; from the project's root

As tests/journey/test_desk.py, whose day is told in the same document; moments and numbers of entries may differ.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "journey"))
import test_desk                                                                # noqa: E402
from test_desk import Day, DOCUMENT, base                           # noqa: E402
from test_python_client import arguments, nhs_number, rest                      # noqa: E402

BEGIN, END = "<!-- the hour begins -->\n", "<!-- the hour ends -->\n"
MOMENT = re.compile(r"\d\d (?:January|February|March|April|May|June|July|August|September|October|November|December) "
                    r"\d{4}, \d\d:\d\d")


class Hour(Day):
    """Files are in the daemon's folder; redirections of a line are done as a shell would."""

    def run(self, *words, stdin=""):
        env = dict(os.environ, REFERRALD_ADMIN=self.desk.admin, REFERRALD_DOORS=self.desk.doors, USER="ines",
                   TZ="Europe/London")
        return subprocess.run([f"{os.path.abspath(arguments.bin)}/referralctl", *words], stdout=subprocess.PIPE,
                              env=env, text=True, stderr=subprocess.STDOUT, timeout=test_desk.DEADLINE_S, check=False,
                              input=stdin, cwd=self.desk.folder)

    def path(self, name):
        return os.path.join(self.desk.folder, name)

    def type(self, line, code=0):
        line = line.format(**self.code)
        words, into, stdin = shlex.split(line), None, ""
        if ">" in words:
            words, into = words[:-2], words[-1]
        if "<" in words:
            with open(self.path(words[-1]), encoding="utf-8") as f:
                words, stdin = words[:-2], f.read()
        done = self.run(*words[1:], stdin=stdin)
        assert done.returncode == code, (line, done.returncode, done.stdout)
        if not self.open:
            self.text += "```console\n"
            self.open = True
        self.text += f"$ {line}\n"
        if into is None:
            self.text += "".join(row.rstrip() + "\n" for row in done.stdout.splitlines())
        else:
            with open(self.path(into), "w", encoding="utf-8") as f:
                f.write(done.stdout)
        if code != 0:
            self.text += f"(exit {code})\n"


def play(hour):
    nhs = nhs_number(7700)
    with open(hour.path("ada.json"), "w", encoding="utf-8") as f:
        json.dump({"door": "gp", "consent": "given", "referrer_area": "QOP", "reason": "back pain, off work since May",
                   "person": {"name": "Ada Example", "nhs_number": nhs, "phone": "07700 900123"}}, f)
    with open(hour.path("letter.txt"), "w", encoding="utf-8") as f:
        f.write(f"nhs_number: {nhs}\n")
    hour.say("Ines answers for people's data. Once a week she keeps the log's signed head where nobody who runs the "
             "daemon can write; the journal has it every minute, and every receipt has it too.")
    hour.type("referralctl audit head > head.json")
    hour.say("A surgery refers Ada and keeps its receipt.")
    hour.type("referralctl submit ada.json --source gp-north --reference surgery-77 --json > receipt.json")
    with open(hour.path("receipt.json"), encoding="utf-8") as f:
        receipt = json.load(f)["receipt"]
    hour.code["Ada"] = json.loads(hour.run("show", receipt, "--json").stdout)["row"]["case_code"]
    hour.say("**To see what is held.** Ada writes and asks. Who she is goes in through standard input (on a terminal "
             "it is asked for), never on the command line, where others of the machine could read it. Finding somebody "
             "and reading about them needs a reason, and is itself in the log before the answer is sent.")
    hour.type('referralctl subject find --reason "her letter of 3 May" < letter.txt')
    hour.type('referralctl subject export {Ada} --reason "her letter of 3 May"')
    hour.say("That is for Ada to read; Ines reads it first, since what others wrote may speak of others. `--json` has "
             "the same for a program. What is sealed in one case alone is read with `case reveal`.")
    hour.type("referralctl case reveal {Ada} --execute", code=64)
    hour.type('referralctl case reveal {Ada} --reason "complaint 12" --dry-run')
    hour.say("**To be erased.** Ada asks for that next. A case that is open is finished first, and a legal hold stands "
             "before any erasure.")
    hour.type('referralctl subject erase {Ada} --reason "her letter of 9 May" --dry-run', code=1)
    hour.type('referralctl triage close {Ada} --as person_declined --reason "her letter of 9 May" --execute')
    hour.type('referralctl subject hold {Ada} --reason "complaint 12 is with the court" --execute')
    hour.type('referralctl subject erase {Ada} --reason "her letter of 9 May" --execute', code=1)
    hour.type('referralctl subject release {Ada} --reason "complaint 12 is settled" --execute')
    hour.type('referralctl subject erase {Ada} --reason "her letter of 9 May" --execute')
    hour.say("What is left are codes and coarse facts, so figures still add up and decisions can still be explained. "
             "Nothing finds her any more, and she may come back as somebody new. Her key may lie in free pages of the "
             "file until `store compact`, and in backups until these are gone: see above.")
    hour.type('referralctl case reveal {Ada} --reason "to be sure" --execute')
    hour.type('referralctl subject find --reason "to be sure" < letter.txt')
    hour.type("referralctl retention")
    hour.say("**To prove it.** Who did what, and who looked:")
    hour.type("referralctl audit tail --limit 8")
    hour.say("An auditor gets the whole log. It names nobody, and is checked on any machine, with this program or with "
             "`tools/audit_verify.py`, a page of Python that shares no code with it. The head that Ines kept and the "
             "surgery's receipt must lie on it: else the log was written anew.")
    hour.type("referralctl audit export --out log.ndjson")
    hour.type("referralctl audit verify log.ndjson head.json receipt.json")
    hour.type("referralctl receipt verify receipt.json --audit log.ndjson")
    with open(hour.path("log.ndjson"), encoding="utf-8") as f:
        lines = f.readlines()
    with open(hour.path("cut.ndjson"), "w", encoding="utf-8") as f:
        f.writelines(lines[:4] + lines[5:])
    hour.say("With one entry taken out:")
    hour.type("referralctl audit verify cut.ndjson", code=1)
    hour.close()


def plain(text):
    """As test_desk does, and no moments, digests or numbers of entries."""
    text = MOMENT.sub("MOMENT", text)
    text = re.sub(r"have the number [0-9a-f]+", "have the number N", text)
    text = re.sub(r"\b(\d+) entries|\bentry (\d+)", "N", text)
    text = re.sub(r"(?m)^(log .*?)\d+( +TIME)", r"\1N\2", test_desk.TIME.sub("TIME", text))
    return test_desk.plain(text)


def played():
    daemon = base.Daemon()
    try:
        hour = Hour(daemon)
        play(hour)
        return hour.text
    finally:
        daemon.remove()


def document():
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    head, middle = text.split(BEGIN)
    middle, tail = middle.split(END)
    return head, middle, tail


class HourTest(unittest.TestCase):
    maxDiff = None

    def test_the_hour_goes_as_the_document_tells_it(self):
        self.assertEqual(plain(played()), plain(document()[1]))

    def test_what_is_compared_is_more_than_nothing(self):
        told = document()[1]
        self.assertGreaterEqual(told.count("\n$ referralctl "), 15)
        self.assertNotEqual(plain(told), plain(told.replace("erased", "kept", 1)))


if __name__ == "__main__":
    if "--write" in rest:
        begin, _, end = document()
        new = played()
        with open(DOCUMENT, "w", encoding="utf-8") as out:
            out.write(begin + BEGIN + new + END + end)
    else:
        unittest.main(argv=[sys.argv[0]] + rest)

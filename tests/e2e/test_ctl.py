#!/usr/bin/env python3
"""referralctl against a real daemon: tables and --json say the same, exit codes are as documented, nobody is named.

Run from the project's root with RFL_BIN naming the folder of the programs. Every wait is for a state.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = os.path.abspath(os.environ["RFL_BIN"])
DEADLINE_S = 30
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402
SECRETS = (canary.NAME, canary.BIRTH, canary.POSTCODE, canary.PHONE, canary.STREET, canary.WORDS)
CONF = """schema_version = 1;
store_dir = "{dir}/store";
store_map = "64MiB";
store_any_fs = true;
policy_dir = "{policy}";
directory_dir = "";
doors = "ipc://{dir}/run/doors";
workers = "ipc://{dir}/run/workers";
admin = "ipc://{dir}/run/admin";
without_keys = true;
test_people = true;
log_format = "logfmt";
end_of_config = true;
"""


def referral(**changes):
    form = {"door": "jobcentre", "jobcentre": "EX0001", "consent": "given", "reason": canary.WORDS,
            "person": {"name": canary.NAME, "date_of_birth": canary.BIRTH, "postcode": canary.POSTCODE,
                       "phone": canary.PHONE, "address": canary.STREET}}
    form.update(changes)
    return {key: value for key, value in form.items() if value is not None}


class Ctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        base = tempfile.gettempdir()
        cls.dir = tempfile.mkdtemp(prefix="rfl-ctl.", dir=base if len(base) <= 60 else "/tmp")   # sun_path is short
        cls.given = tempfile.mkdtemp(prefix="rfl-ctl-given.")     # what people's systems hold is not searched
        os.mkdir(cls.dir + "/run", 0o700)
        cls.daemon = None
        cls.said = []
        made = cls.run_ctl("--any-fs", "init", cls.dir + "/store")
        assert made.returncode == 0, made.stderr
        cls.init_text = made.stdout
        with open(cls.dir + "/referrald.conf", "w", encoding="utf-8") as f:
            f.write(CONF.format(dir=cls.dir, policy=os.path.abspath("config/policy")))
        cls.start()

    @classmethod
    def tearDownClass(cls):
        if cls.daemon is not None:
            cls.stop()
        shutil.rmtree(cls.given)
        with open(cls.dir + "/said", "w", encoding="utf-8") as f:
            f.write("\n".join(cls.said))
        canary.leave(cls.dir, BIN)

    @classmethod
    def start(cls):
        with open(cls.dir + "/log", "ab") as log:
            cls.daemon = subprocess.Popen([BIN + "/referrald", "-c", cls.dir + "/referrald.conf"], stderr=log,
                                          stdout=log)
        until = time.monotonic() + DEADLINE_S
        while cls.run_ctl("status").returncode != 0:
            assert time.monotonic() < until and cls.daemon.poll() is None, "the daemon does not answer"

    @classmethod
    def stop(cls):
        cls.daemon.send_signal(signal.SIGTERM)
        code = cls.daemon.wait(DEADLINE_S)
        cls.daemon = None
        assert code == 0, f"the daemon ended with {code}"

    @classmethod
    def run_ctl(cls, *arguments, given=None, **environment):
        env = dict(os.environ, REFERRALD_ADMIN=f"ipc://{cls.dir}/run/admin",
                   REFERRALD_DOORS=f"ipc://{cls.dir}/run/doors", TZ="Europe/London", **environment)
        done = subprocess.run([BIN + "/referralctl", *arguments], capture_output=True, text=True, env=env, input=given,
                              timeout=DEADLINE_S, check=False)
        cls.said.append(done.stdout + done.stderr)
        return done

    def ctl(self, *arguments, code=0, given=None):
        done = self.run_ctl(*arguments, given=given)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        if code != 0 and done.stderr and not done.stderr.startswith("usage:"):
            self.assertRegex(done.stderr, r"(?m)^referralctl: ", arguments)
        return done

    def ask_json(self, *arguments, code=0, given=None):
        return json.loads(self.ctl(*arguments, "--json", code=code, given=given).stdout)

    def file(self, name, content):
        path = os.path.join(self.given, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def submit(self, reference, **changes):
        """Each reference is another person, told apart by the name; nobody joins by chance."""
        letters = "".join(chr(ord("a") + int(c)) if c.isdigit() else c for c in reference if c.isalnum())
        changes.setdefault("person", dict(referral()["person"], name=canary.NAME + " " + letters))
        path = self.file("submit.json", referral(**changes))
        return self.ask_json("submit", path, "--source", "jobcentre-feed", "--reference", reference)

    def table(self, *arguments):
        """Rows of the first table as dictionaries; cells are parted by at least two spaces."""
        lines = self.ctl(*arguments).stdout.rstrip("\n").split("\n")
        heads = re.split(r" {2,}", lines[0].strip())
        rows = [re.split(r" {2,}", line.strip()) for line in lines[1:]]
        return [dict(zip(heads, row)) for row in rows if len(row) == len(heads)]

    # ---- making a store ----

    def test_init_says_what_it_made_and_never_twice(self):
        self.assertIn("/store/master.key", self.init_text)
        self.assertIn("next", self.init_text)
        again = self.ctl("--any-fs", "init", self.dir + "/store", code=73)
        self.assertIn("do: ", again.stderr)
        self.ctl("--any-fs", "init", self.dir + "/no/such/parent", code=73)
        made = self.ask_json("--any-fs", "init", self.dir + "/other")
        self.assertTrue(os.path.isfile(made["master_key"]))
        self.assertEqual(os.stat(made["master_key"]).st_mode & 0o777, 0o600)

    # ---- wrong use, no daemon ----

    def test_wrong_use_is_64(self):
        for arguments in ((), ("nothing",), ("show",), ("show", "a", "b"), ("list", "--status", "lost"),
                          ("list", "--door", "window"), ("list", "--limit", "0"), ("list", "--limit", "x"),
                          ("status", "--queue", "x"), ("explain",), ("explain", "WW-1", "--file", "x"),
                          ("explain", "WW-1", "--at", "2026-02-30"), ("submit", "x.json"), ("--timeout", "0", "status"),
                          ("--bogus",), ("store", "verify"), ("store", "verify", "x", "--map", "1k")):
            with self.subTest(arguments=arguments):
                self.ctl(*arguments, code=64)

    def test_no_daemon_is_69_and_says_what_to_do(self):
        done = self.ctl("--admin", f"ipc://{self.dir}/run/nobody", "status", code=69)
        self.assertIn("REFERRALD_ADMIN", done.stderr)
        self.ctl("--timeout", "1", "--doors", "tcp://127.0.0.1:1", "submit", self.file("one.json", referral()),
                 "--source", "jobcentre-feed", "--reference", "nobody-hears", code=69)

    def test_help_and_version_are_well(self):
        self.assertIn("exit codes", self.ctl("--help").stdout)
        self.assertRegex(self.ctl("--version").stdout, r"^referralctl \d+\.\d+\.\d+$")

    # ---- one referral ----

    def test_submit_twice_is_one_receipt_and_other_bytes_are_a_conflict(self):
        first = self.submit("twice")
        self.assertRegex(first["receipt"], r"^WW-[0-9A-Z]{4}-[0-9A-Z]{4}$")
        again = self.submit("twice")
        self.assertEqual(again["receipt"], first["receipt"])
        self.assertTrue(again["replayed"])
        path = self.file("changed.json", referral(reason=canary.WORDS + ", changed"))
        done = self.ctl("submit", path, "--source", "jobcentre-feed", "--reference", "twice", code=65)
        self.assertIn("CONFLICT", done.stderr)
        text = self.ctl("submit", self.given + "/submit.json", "--source", "jobcentre-feed", "--reference",
                        "twice").stdout
        self.assertIn(first["receipt"], text)
        self.assertIn("sent before", text)

    def test_submit_refusals_have_their_exit_codes(self):
        path = self.file("r.json", referral())
        cases = (("no-such-source", path, 77, "UNKNOWN_SOURCE"), ("employer-portal", path, 77, "DOOR_NOT_ALLOWED"),
                 ("jobcentre-feed", self.file("empty.json", {"door": "jobcentre"}), 65, "INVALID"),
                 ("jobcentre-feed", self.file("broken.json", '{"door": "' + canary.NAME), 65, "line 1"),
                 ("jobcentre-feed", self.dir + "/absent.json", 66, "No such file"))
        for source, file, code, word in cases:
            with self.subTest(source=source, word=word):
                done = self.ctl("submit", file, "--source", source, "--reference", "refused", code=code)
                self.assertIn(word, done.stderr)

    def test_validate_here_and_there_agree(self):
        forms = (referral(), {"door": "jobcentre"}, referral(main_barrier=99), referral(consent=None),
                 referral(person={"name": canary.NAME, "nhs_number": "9434765918", "postcode": "nonsense"}))
        for form in forms:
            path = self.file("v.json", form)
            here = self.run_ctl("validate", path, "--json")
            there = self.run_ctl("validate", path, "--json", "--source", "jobcentre-feed", "--endpoint",
                                 f"ipc://{self.dir}/run/doors")
            self.assertEqual(here.returncode, there.returncode, here.stderr + there.stderr)
            self.assertEqual(here.returncode, 0 if json.loads(here.stdout)["acceptable"] else 65)
            self.assertEqual(json.loads(here.stdout)["findings"], json.loads(there.stdout)["findings"])
            text = self.run_ctl("validate", path).stdout
            for finding in json.loads(here.stdout)["findings"]:
                self.assertIn(finding["code"], text)
                self.assertIn(finding["remedy"], text)
        self.assertIn("persn", self.ctl("validate", "-", code=65, given='{"persn": 1}').stdout)

    # ---- cases ----

    def test_list_table_and_json_agree_and_filters_filter(self):
        for i in range(5):
            self.submit(f"list-{i}")
        listed = self.ask_json("list", "--limit", "1000")
        self.assertFalse(listed["more"])
        rows = self.table("list", "--limit", "1000")
        self.assertEqual([(c["case_code"], c["status"], c["door"], c["queue"], str(c.get("referrals", 1)))
                          for c in listed["cases"]],
                         [(r["CASE"], r["STATUS"], r["DOOR"], r["QUEUE"], r["REFERRALS"]) for r in rows])
        some = self.ask_json("list", "--limit", "2")
        self.assertEqual([c["case_code"] for c in some["cases"]], [c["case_code"] for c in listed["cases"][:2]])
        self.assertTrue(some["more"])
        for option, key, word in (("--status", "status", "queued"), ("--door", "door", "jobcentre"),
                                  ("--queue", "queue", "greater-manchester/intake")):
            kept = self.ask_json("list", "--limit", "1000", option, word)["cases"]
            self.assertEqual(kept, [c for c in listed["cases"] if c[key] == word])
            self.assertGreater(len(kept), 0)
        self.assertEqual(self.ask_json("list", "--door", "pharmacist")["cases"], [])

    def test_show_by_receipt_and_by_case_code_is_the_same(self):
        receipt = self.submit("shown")["receipt"]
        shown = self.ask_json("show", receipt)
        by_case = self.ask_json("show", shown["row"]["case_code"])
        self.assertEqual(by_case, shown)
        self.assertEqual([row["event"] for row in shown["timeline"]], ["received", "routed"])
        text = self.ctl("show", receipt.lower().replace("-", " ")).stdout
        for row in shown["timeline"]:
            self.assertRegex(text, rf"(?m)^ *{row['sequence']} .* {row['event']} ")
        self.assertIn(shown["row"]["case_code"], text)
        self.assertIn("names hidden", text)
        self.ctl("show", "WW-0000-0000", code=66)
        self.ctl("show", "nonsense", code=66)

    def test_explain_a_stored_a_hypothetical_and_a_past_referral(self):
        receipt = self.submit("explained")["receipt"]
        why = self.ask_json("explain", receipt)
        self.assertEqual((why["reason"], why["queue"]), ("by_jobcentre", "greater-manchester/intake"))
        text = self.ctl("explain", receipt).stdout
        for word in ("by_jobcentre", "greater-manchester/intake", why["owner"]):
            self.assertIn(word, text)
        self.assertEqual([row["KEY"] for row in self.candidates(text)], [c["key"] for c in why["candidates"]])
        for tried in why["tried"]:
            self.assertIn(tried["name"], text)
        path = self.file("frimley.json", referral(jobcentre="EX0008"))
        before = self.ask_json("explain", "--file", path, "--at", "2026-03-31")
        after = self.ask_json("explain", "--file", path, "--at", "2026-04-02 12:00")
        self.assertEqual((before["verdict"], before["queue"]), ("to", "frimley/intake"))
        self.assertEqual((after["verdict"], after["reason"]), ("triage", "area_split_undecided"))
        self.assertEqual(self.ask_json("explain", "--file", path, "--at", "2026-03-31T23:30:00Z")["reason"],
                         "area_split_undecided")      # midnight in London is 23:00 in UTC by then
        self.assertIn("a referral like this", self.ctl("explain", "--file", path).stdout)

    @staticmethod
    def candidates(text):
        lines = text.split("\n")
        start = next(i for i, line in enumerate(lines) if line.startswith("KEY "))
        end = next((i for i, line in enumerate(lines) if line.startswith("RULE ")), len(lines))
        return [{"KEY": line.split()[0]} for line in lines[start + 1:end] if line.strip()]

    # ---- the daemon and its queues ----

    def test_status_adds_up_in_both_shapes(self):
        self.submit("status")
        state = self.ask_json("status")
        self.assertTrue(state["adds_up"])
        self.assertEqual(state["referrals"], state["cases"] + state["joined"])
        text = self.ctl("status").stdout
        self.assertIn(f"{state['referrals']} referrals = {state['cases']} cases + {state['joined']} joined; it adds up",
                      text)
        counts = dict(re.findall(r"(?m)^([a-z_]+) +(\d+)$", text))
        del state["by_status"]["none"]
        self.assertEqual({word: int(counts[word]) for word in state["by_status"]}, state["by_status"])
        self.assertEqual(sum(state["by_status"].values()), state["cases"])

    def test_queue_list_table_and_json_agree(self):
        self.submit("queue")
        queues = self.ask_json("queue", "list")
        rows = self.table("queue", "list")
        self.assertEqual([(q["name"], str(q["waiting"]), str(q["workers"])) for q in queues["queues"]],
                         [(r["QUEUE"], r["WAITING"], r["WORKERS"]) for r in rows])
        self.assertGreaterEqual(len(rows), 73)          # 36 areas with two queues each, and national triage
        self.assertEqual(sum(q["waiting"] for q in queues["queues"]), queues["waiting"])
        self.assertEqual(len(self.ask_json("list", "--status", "queued", "--limit", "10000")["cases"]),
                         queues["waiting"])
        busy = self.ask_json("queue", "list", "--waiting")["queues"]
        self.assertEqual(busy, [q for q in queues["queues"] if q["waiting"] > 0])

    # ---- what an operator changes ----

    def case_of(self, reference, **changes):
        receipt = self.submit(reference, **changes)["receipt"]
        return self.ask_json("show", receipt)["row"]["case_code"]

    def test_every_change_wants_a_way_a_reason_a_name_and_an_end(self):
        intake, why = "greater-manchester/intake", ("--reason", "tried")
        case = self.case_of("wants")
        before = self.ask_json("show", case)
        for verb in (("triage", "assign", case, intake), ("triage", "redirect", case, intake),
                     ("triage", "approve", case), ("triage", "send-back", case), ("triage", "release", case),
                     ("triage", "hold", case, "--until", "+1h"), ("triage", "close", case, "--as", "died"),
                     ("case", "link", case, case), ("case", "unlink", case), ("queue", "clear", intake),
                     ("queue", "pause", intake, "--until", "+1h"),
                     ("queue", "capacity", intake, "3", "--until", "+1h")):
            with self.subTest(verb=verb):
                self.assertIn("--dry-run", self.ctl(*verb, *why, code=64).stderr)
                self.ctl(*verb, *why, "--dry-run", "--execute", code=64)
                self.assertIn("--reason", self.ctl(*verb, "--execute", code=64).stderr)
                self.ctl(*verb, "--execute", "--reason", "", code=64)
                done = self.run_ctl(*verb, *why, "--execute", USER="")
                self.assertEqual(done.returncode, 64)
                self.assertIn("--operator", done.stderr)
        for rest in ((), ("--until", "tomorrow"), ("--until", "+0h"), ("--until", "+1w"), ("--until", "+")):
            self.ctl("triage", "hold", case, *why, "--execute", "--operator", "me", *rest, code=64)
            self.ctl("queue", "hold", intake, *why, "--execute", "--operator", "me", *rest, code=64)
        for rest in ((), ("--as", "gone"), ("--as", "none")):
            self.ctl("triage", "close", case, *why, "--execute", "--operator", "me", *rest, code=64)
        self.ctl("queue", "divert", intake, "--until", "+1h", *why, "--execute", "--operator", "me", code=64)
        for count in ("0", "few", "-1"):
            self.ctl("queue", "capacity", intake, "--until", "+1h", *why, "--execute", "--operator", "me", "--", count,
                     code=64)
        self.assertEqual(self.ask_json("show", case), before)

    def test_the_desk_in_both_shapes_and_a_dry_run_foretells(self):
        case = self.case_of("desk", jobcentre=None, door="jobcentre")
        other = self.case_of("provider")
        listed = self.ask_json("triage", "list")["cases"]
        rows = self.table("triage", "list")
        self.assertEqual([(c["case_code"], c["status"], c["why"], c["reason"]) for c in listed],
                         [(r["CASE"], r["STATUS"], r["WHY"], r["REASON"]) for r in rows])
        self.assertIn((case, "triage", "no queue yet"), [(c["case_code"], c["status"], c["why"]) for c in listed])
        self.assertNotIn(other, [c["case_code"] for c in listed])
        self.assertEqual(self.ask_json("triage", "list", "--status", "declining")["cases"], [])
        act = ("triage", "assign", case, "dorset/intake", "--operator", "pat", "--reason", "lives there")
        dry = self.ask_json(*act, "--dry-run")
        self.assertEqual(self.ask_json("show", case)["row"], dry["before"])
        done = self.ask_json(*act, "--execute")
        self.assertEqual((dry["dry_run"], done["dry_run"]), (True, False))
        self.assertEqual((dry["events"], dry["before"]), (done["events"], done["before"]))
        self.assertEqual((done["after"]["status"], done["after"]["queue"]), ("queued", "dorset/intake"))
        self.assertEqual(self.ask_json("show", case)["row"], done["after"])
        self.assertEqual(self.ask_json("show", case)["timeline"][-1]["actor"], "pat")
        self.assertIn("triage redirect", self.ctl(*act, "--execute", code=1).stderr)
        refused = self.ctl("triage", "send-back", case, "--operator", "pat", "--reason", "x", "--execute", code=1)
        self.assertIn("possible now: triage assign/redirect/approve, triage hold, triage close, case link",
                      refused.stderr)
        self.ctl("triage", "redirect", case, "no/such", "--operator", "pat", "--reason", "x", "--execute", code=66)
        self.ctl("triage", "send-back", "WC-0000-0000", "--operator", "pat", "--reason", "x", "--execute", code=66)

    def test_a_queue_says_what_is_set_and_who_set_it(self):
        def row(name):
            return next(q for q in self.ask_json("queue", "list")["queues"] if q["name"] == name)
        name, act = "dorset/intake", ("--operator", "pat", "--reason", "system down")
        self.ctl("queue", "pause", name, "--until", "+2h", *act, "--dry-run")
        self.assertEqual(row(name)["mode"], "clear")
        for verb, rest, mode, words in (("pause", (), "pause", "paused"), ("hold", (), "hold", "takes nobody new"),
                                        ("capacity", ("7",), "capacity", "at most 7 at once"),
                                        ("divert", ("--to", "lincolnshire/intake"), "divert",
                                         "diverted to lincolnshire/intake")):
            with self.subTest(verb=verb):
                self.ctl("queue", verb, name, *rest, "--until", "+2h", *act, "--execute")
                at = row(name)
                self.assertEqual((at["mode"], at["set_by"], at["why"]), (mode, "pat", "system down"))
                self.assertGreater(at["until_ms"], time.time() * 1000)
                self.assertEqual([r["SETTING"] for r in self.table("queue", "list") if r["QUEUE"] == name], [words])
                self.ctl("queue", "clear", name, *act, "--execute")
                self.assertEqual(row(name)["mode"], "clear")
        self.ctl("queue", "capacity", name, "7", "--until", "+2h", *act, "--execute")
        foretold = self.ctl("queue", "pause", name, "--until", "+1h", *act, "--dry-run").stdout
        self.assertEqual(row(name)["mode"], "capacity")
        done = self.ctl("queue", "pause", name, "--until", "+1h", *act, "--execute").stdout
        for text in (foretold, done):
            self.assertRegex(text, r"(?m)^setting +paused, at most 7 at once$")
        self.ctl("queue", "clear", name, *act, "--execute")
        self.ctl("queue", "pause", name, "--until", "2020-01-01", *act, "--execute", code=65)
        self.ctl("queue", "divert", name, "--to", name, "--until", "+1h", *act, "--execute", code=65)

    def test_errors_knows_every_code_of_the_protocol(self):
        with open("proto/referral.proto", encoding="utf-8") as f:
            numbers = dict(re.findall(r"\bCODE_(\w+) = (\d+)", f.read()))
        known = {row["code"]: row["number"] for row in self.ask_json("errors")}
        self.assertEqual(known, {name: int(number) for name, number in numbers.items() if name != "OK"})
        self.assertIn("retry", self.ctl("errors", "busy").stdout.lower())
        self.ctl("errors", "NO_SUCH_CODE", code=66)

    # ---- the store behind it ----

    def test_store_is_verified_rebuilt_and_compared_when_nobody_has_it_open(self):
        self.submit("stored")
        store, copy = self.dir + "/store", self.dir + "/rebuilt"
        self.ctl("--any-fs", "store", "verify", store, code=75)
        self.ctl("--any-fs", "store", "verify", self.dir + "/nowhere", code=66)
        before = self.ask_json("status")
        self.stop()
        try:
            self.assertIn("ok", self.ctl("--any-fs", "store", "verify", store).stdout)
            self.assertTrue(self.ask_json("--any-fs", "store", "verify", store)["ok"])
            self.ctl("--any-fs", "store", "rebuild", store, copy)
            self.ctl("--any-fs", "store", "rebuild", store, copy, code=73)
            self.assertTrue(self.ask_json("--any-fs", "store", "compare", store, copy)["ok"])
            figures = self.ask_json("--any-fs", "store", "stat", store)
            self.assertEqual([figures[key] for key in ("referrals", "cases", "joined")],
                             [before[key] for key in ("referrals", "cases", "joined")])
            self.assertFalse(self.ask_json("--any-fs", "store", "compare", store, copy, code=1)["ok"])
            self.damage(copy + "/data.mdb")
            self.assertIn(self.run_ctl("--any-fs", "store", "verify", copy).returncode, (1, 74))
        finally:
            self.start()

    def test_store_is_backed_up_while_the_daemon_writes_and_opens_with_its_own_key(self):
        store, copy = self.dir + "/store", self.dir + "/backup"
        epoch = self.ask_json("status")["epoch"]
        path = self.file("flood.json", referral(person=dict(referral()["person"], name="Secretname Flood")))
        self.ask_json("submit", path, "--source", "jobcentre-feed", "--reference", "flood-0")
        before, over, sent = self.ask_json("status")["referrals"], threading.Event(), []

        def flood():
            while not over.is_set():
                sent.append(self.run_ctl("submit", path, "--source", "jobcentre-feed", "--reference",
                                         f"flood-{len(sent) + 1}").returncode)
        writer = threading.Thread(target=flood)
        writer.start()
        try:
            while len(sent) < 3:
                self.assertTrue(writer.is_alive())
            told = self.ask_json("--any-fs", "store", "backup", store, copy)
            reached = len(sent)
            while len(sent) < reached + 3:          # the daemon goes on
                self.assertTrue(writer.is_alive())
        finally:
            over.set()
            writer.join(DEADLINE_S)
        self.assertTrue(told["ok"])
        self.assertEqual(set(sent), {0})
        self.ctl("--any-fs", "store", "backup", store, copy, code=73)
        self.assertNotIn("master.key", os.listdir(copy))
        self.ctl("--any-fs", "store", "verify", copy, code=66)     # no key there
        key = ("--any-fs", "--key", store + "/master.key", "store")
        self.assertTrue(self.ask_json(*key, "verify", copy)["ok"])
        restored = self.ask_json(*key, "stat", copy)
        self.assertEqual(restored["epoch"], epoch + 1)
        self.assertGreaterEqual(restored["referrals"], before + 3)
        self.assertLess(restored["referrals"], self.ask_json("status")["referrals"])

    def test_store_is_compacted_and_its_master_key_rotated_when_nobody_has_it_open(self):
        store = self.dir + "/store"
        self.submit("rotated")
        for verb in (("store", "compact", store), ("store", "rotate-master", store, self.dir + "/new.key"),
                     ("keys", "rotate-master", store, "--new-key", self.dir + "/new.key")):
            self.ctl("--any-fs", *verb, code=75)
        self.stop()
        try:
            before = self.ask_json("--any-fs", "store", "stat", store)
            self.assertTrue(self.ask_json("--any-fs", "store", "compact", store)["ok"])
            self.ctl("--any-fs", "keys", "rotate-master", store, code=64)
            done = self.ask_json("--any-fs", "keys", "rotate-master", store, "--new-key", self.dir + "/new.key")
            self.assertEqual(done, {"ok": True, "rewrapped": before["cases"]})
            self.assertIn("0 keys", self.ctl("--any-fs", "store", "rotate-master", store, self.dir + "/new.key").stdout)
            with open(store + "/master.key", "rb") as now, open(self.dir + "/new.key", "rb") as new:
                self.assertEqual(now.read(), new.read())
            self.assertTrue(self.ask_json("--any-fs", "store", "verify", store)["ok"])
            after = self.ask_json("--any-fs", "store", "stat", store)
            self.assertEqual((after["referrals"], after["keys_lingering"]), (before["referrals"], 0))
            self.ctl("--any-fs", "--key", store + "/master.key.1", "store", "verify", store, code=1)
        finally:
            self.start()
        self.submit("after the rotation")

    @staticmethod
    def damage(path):
        """Turns over every byte between the two meta pages and the end."""
        with open(path, "r+b") as f:
            f.seek(8192)
            body = f.read()
            f.seek(8192)
            f.write(bytes(b ^ 0xFF for b in body))

    def test_zz_nothing_printed_names_a_person(self):
        with open(self.dir + "/log", encoding="utf-8") as f:
            everything = "\n".join(self.said) + f.read()
        self.assertGreater(len(everything), 10000)
        for secret in SECRETS:
            self.assertNotIn(secret, everything)


if __name__ == "__main__":
    unittest.main()

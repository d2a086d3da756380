#!/usr/bin/env python3
"""The demonstration does the main job, and its figures are added up again by somebody else.

Run from the project's root with RFL_BIN naming the folder of the programs.
"""
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402
BIN = os.environ["RFL_BIN"]
# What config/examples/boundary-move.patch does: whose people go to whom.
MOVES = {"cornwall-isles-of-scilly/intake": "devon/intake", "norfolk-suffolk/intake": "central-east/intake",
         "gloucestershire/intake": "bristol-north-somerset-south-gloucestershire/intake",
         "northamptonshire/intake": "leicester-leicestershire-rutland/intake"}
PILOT = {"gp": 28, "self": 27, "jobcentre": 24}       # per cent of referrals, as the pilots saw them


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/figures.json"
            cls.run_of_it = subprocess.run(["tools/demo", "--build", BIN, "--json", path, "--keep"],
                                           capture_output=True, text=True, timeout=240, check=False,
                                           env=dict(os.environ, TMPDIR=folder))
            with open(folder + "/said", "w", encoding="utf-8") as f:
                f.write(cls.run_of_it.stdout + cls.run_of_it.stderr)
            cls.look_around(cls.run_of_it.stderr)
            canary.search(folder, BIN)
            cls.lines = cls.run_of_it.stdout.rstrip("\n").split("\n")
            with open(path, encoding="utf-8") as f:
                cls.figures = json.load(f)

    @classmethod
    def look_around(cls, said):
        """What it left, and what came of the commands that it printed for whoever looks around in it."""
        cls.modes, cls.keys, cls.around = {}, None, None
        kept = re.search(r"^kept: (\S+) .*\n((?:  .*\n)+)", said, re.M)
        if kept is None:
            return
        for name in ["", *os.listdir(kept[1] + "/keys")]:
            cls.modes[name] = stat.S_IMODE(os.stat(f"{kept[1]}/keys/{name}").st_mode)
        listed = subprocess.run([BIN + "/referralctl", "keys", "list", "--json", "--keys", kept[1] + "/keys.conf"],
                                capture_output=True, text=True, check=True)
        cls.keys = {row["name"]: row for row in json.loads(listed.stdout)}
        cls.around = subprocess.run(["bash", "-euc", kept[2] + "kill $!\nwait\n"], capture_output=True, text=True,
                                    timeout=60, check=False)

    def test_everybody_has_a_key_and_the_least_it_needs(self):
        f = self.figures
        self.assertEqual((f["keys"], f["strangers_refused"]), (21, 1))
        self.assertIn("keys are on: 21", self.run_of_it.stdout)
        self.assertIn("a key nobody knows: refused", self.run_of_it.stdout)
        self.assertEqual(self.modes, {"": 0o700, "server.key": 0o600, **{f"{name}.key": 0o600 for name in self.keys}})
        self.assertEqual(len(self.keys), f["keys"])
        of_kind = {kind: [row for row in self.keys.values() if row["kind"] == kind]
                   for kind in ("source", "worker", "operator")}
        self.assertEqual([len(rows) for rows in of_kind.values()], [11, 7, 3])
        for row in of_kind["source"]:
            self.assertIn(row["may"], {door["door"] for door in f["doors"]})
        for row in of_kind["worker"]:
            self.assertNotIn("*", row["may"])
        self.assertEqual({row["name"]: row["may"] for row in of_kind["operator"]},
                         {"triage-1": "read,triage,queue", "keeper": "policy,keys", "visitor": "read,audit"})

    def test_a_revoked_worker_is_cut_off_and_others_go_on(self):
        self.assertEqual({name for name, row in self.keys.items() if row["state"] != "good"}, {"desk-5"})
        self.assertEqual(self.keys["desk-5"]["state"], "revoked")
        self.assertGreater(self.figures["offers_at_revocation"], 0)
        self.assertEqual(self.figures["taken_over"], self.figures["offers_at_revocation"])

    def test_what_is_kept_can_be_looked_at_as_it_says(self):
        self.assertIsNotNone(self.around, self.run_of_it.stderr)
        self.assertEqual(self.around.returncode, 0, self.around.stdout + self.around.stderr)
        self.assertRegex(self.around.stdout, r"(?m)^WC-")

    def test_it_ends_well_and_says_so(self):
        self.assertEqual(self.run_of_it.returncode, 0, self.run_of_it.stdout + self.run_of_it.stderr)
        self.assertEqual(self.lines[-1], "lost 0   duplicated 0")
        self.assertEqual((self.figures["lost"], self.figures["duplicated"], self.figures["problems"]), (0, 0, []))
        self.assertTrue(self.figures["store_verified"])

    def test_one_of_its_cases_is_explained(self):
        why = self.figures["explain"]
        self.assertRegex("\n".join(self.lines), rf"(?m)^\$ referralctl explain {why['code']} --counterfactual\n"
                                                rf"{why['code']} ")
        self.assertEqual((why["area"], why["reason"]), ("greater-manchester", "by_rule"))
        self.assertIn(why["queue"], [queue["queue"] for queue in self.figures["queues"]])
        self.assertEqual([rule["name"] for rule in why["tried"] if rule["holds"]], [why["rule"]])
        self.assertTrue(all(rule["unmet"] for rule in why["tried"] if not rule["holds"]))
        self.assertGreater(len(why["differ"]), 0)
        self.assertNotIn(why["queue"], [other["queue"] for other in why["differ"]])

    def test_a_boundary_that_moves_is_asked_about_beforehand(self):
        plan, whatif = self.figures["area_plan"], self.figures["whatif"]
        moves = dict(MOVES)
        for row in plan["rows"]:                # who is at a desk just then, if anybody, goes to the next area's desk
            if row["queue"].endswith("/triage"):
                moves[row["queue"]] = MOVES[row["queue"].replace("/triage", "/intake")].replace("/intake", "/triage")
        self.assertEqual({row["queue"]: row["to"] for row in plan["rows"]}, moves)
        statuses = {queue["queue"]: queue["by_status"] for queue in self.figures["queues"]}
        for row in plan["rows"]:
            there = statuses[row["queue"]]
            everybody = [sum(there[word] for word in words) for words in (
                ("triage", "queued", "on_hold", "declining"), ("accepted", "waiting_on_person", "active"))]
            if row["queue"] == "norfolk-suffolk/intake":        # it goes on, without a part of it
                self.assertLess(row["waiting"] + row["held"], sum(everybody))
            else:
                self.assertEqual([row["waiting"], row["held"]], everybody, row["queue"])
        self.assertGreater(plan["waiting"], 0)
        self.assertEqual((plan["to_triage"], plan["past"]), (0, False))
        self.assertEqual(whatif["replayed"], self.figures["referrals"])
        counts = whatif["counts"]
        self.assertEqual(sum(counts.values()), whatif["replayed"])
        self.assertEqual(counts["same"] + counts["other-area"], whatif["replayed"])
        self.assertEqual({pair["before"]: pair["after"] for pair in whatif["pairs"]}, MOVES)
        self.assertNotEqual(whatif["policy_before"], whatif["policy_after"])
        for question in ("area plan --at 2027-04-01", "whatif --policy "):
            self.assertIn(f"$ referralctl {question}", self.run_of_it.stdout)

    def test_enough_was_sent_through_every_door_in_the_pilots_proportions(self):
        f = self.figures
        self.assertGreaterEqual(f["sent"], 1000)
        doors = {row["door"]: row for row in f["doors"]}
        self.assertEqual(set(doors), {"gp", "employer", "jobcentre", "self", "local_service", "pharmacist",
                                      "fit_note_service", "provider", "other"})
        self.assertEqual(sum(row["sent"] for row in doors.values()), f["sent"])
        for door, percent in PILOT.items():
            self.assertAlmostEqual(100 * doors[door]["sent"] / f["sent"], percent, delta=2)
        for row in doors.values():
            self.assertEqual(row["sent"], row["new"] + row["joined"] + row["replays"] + row["conflicts"], row)

    def test_the_ledger_adds_up(self):
        f = self.figures
        self.assertEqual(f["sent"], f["receipts"] + f["conflicts"])
        self.assertEqual(f["refused"], f["conflicts"])
        self.assertEqual(f["receipts"], f["referrals"] + f["replays"])
        self.assertEqual(f["referrals"], f["cases"] + f["joined"])
        for ours, theirs in (("cases", "new"), ("joined", "joined"), ("replays", "replays"),
                             ("conflicts", "conflicts")):
            self.assertEqual(f[ours], sum(row[theirs] for row in f["doors"]), ours)
        self.assertEqual(f["cases"], sum(f["by_status"].values()))
        self.assertEqual(f["cases"], f["accepted"] + f["by_status"]["declining"] + f["triage"] + f["waiting"]
                         + f["on_hold"] + f["closed"])
        self.assertEqual(f["joined"], sum(f["joined_by"].values()))
        self.assertEqual(f["feedback"], sum(f["feedback_by_word"].values()))

    def test_every_case_is_in_one_queue(self):
        f = self.figures
        self.assertEqual(sum(queue["cases"] for queue in f["queues"]), f["cases"])
        for status, cases in f["by_status"].items():
            self.assertEqual(sum(queue["by_status"][status] for queue in f["queues"]), cases, status)
        intakes = [queue for queue in f["queues"] if queue["queue"].endswith("/intake")]
        self.assertEqual(len(intakes), f["areas"])
        providers = [queue for queue in f["queues"] if not queue["queue"].endswith("/triage")]
        self.assertEqual(sum(q["by_status"]["accepted"] + q["by_status"]["active"] for q in providers), f["accepted"])

    def test_everything_that_can_happen_happened(self):
        f = self.figures
        for key in ("joined", "replays", "conflicts", "accepted", "declined", "redirected", "deferred", "started",
                    "triage", "waiting", "on_hold", "feedback"):
            self.assertGreater(f[key], 0, key)
        for key in ("paused_waiting", "diverted", "sent_back", "approved", "released"):
            self.assertGreater(f[key], 0, key)
        for key in ("nhs_number", "nino", "name_birth_postcode"):
            self.assertGreater(f["joined_by"][key], 0, key)
        for key in ("accepted", "with_the_service", "waiting", "closed"):
            self.assertGreater(f["feedback_by_word"][key], 0, key)
        self.assertGreaterEqual(f["held_for_consent"], f["released"])
        self.assertGreaterEqual(f["declined"] + f["fenced"], f["sent_back"] + f["approved"])
        self.assertEqual((f["daemon_kills"], f["worker_kills"], f["kills"]), (1, 1, 2))
        self.assertGreater(f["offers_at_death"], 0)
        self.assertGreaterEqual(f["offers"], f["accepted_told"] + f["declined"] + f["redirected"] + f["deferred"])
        self.assertGreaterEqual(f["feedback"], f["accepted"])

    def test_the_harder_moments_end_as_they_must(self):
        f = self.figures
        self.assertEqual((f["withdrawn"], f["fenced_after_withdrawal"], f["do_not_contact"]), (1, 1, 1))
        self.assertEqual((f["over_budget"], f["moves"]), (1, 3))        # a budget of two, in rules.conf
        self.assertEqual(f["escalated_to_the_top"], 6)
        self.assertGreaterEqual(f["escalated"], 2 * f["escalated_to_the_top"])
        self.assertGreaterEqual(f["warned"], f["escalated_to_the_top"])
        self.assertEqual(f["closed"], f["withdrawn"])
        table = dict(line.rsplit("  ", 1)[0].rsplit(None, 1) for line in self.lines
                     if line.startswith(("warnings of clocks", "breaches of clocks", "still-waiting notices")))
        self.assertEqual({k.strip(): int(v) for k, v in table.items()},
                         {"warnings of clocks": f["warned"], "breaches of clocks": f["escalated"],
                          "still-waiting notices": f["feedback_by_word"]["waiting"]})


if __name__ == "__main__":
    unittest.main()

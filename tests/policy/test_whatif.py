#!/usr/bin/env python3
"""What other rules would have done with what was decided: counted by hand, and nothing is written.

Run from the project's root with RFL_BIN naming the folder of the programs.
"""
import hashlib
import os
import shutil
import unittest

from served import Served

OFFICES = {"EX0001": 5, "EX0002": 3}
NOWHERE, MANCHESTER = 2, 4


class WhatIf(Served):
    def setUp(self):
        super().setUp()
        self.other = self.dir + "/other"
        text = self.read(self.policy + "/jobcentres.conf")
        self.office_area = {code: text.split(f'code = "{code}"; area = "')[1].split('"')[0] for code in OFFICES}
        shutil.copytree(self.policy, self.other)
        self.start()
        for code, count in OFFICES.items():
            for i in range(count):
                self.submit(f"{code}-{i}", "jobcentre-feed", door="jobcentre", jobcentre=code)
        for i in range(NOWHERE):
            self.submit(f"nowhere-{i}", "jobcentre-feed", door="jobcentre")
        for i in range(MANCHESTER):
            self.submit(f"manchester-{i}")
        self.total = sum(OFFICES.values()) + NOWHERE + MANCHESTER

    def change_other(self, name, old, new):
        path = f"{self.other}/{name}"
        text = self.read(path)
        self.assertEqual(text.count(old), 1, old)
        self.write(path, text.replace(old, new))

    def whatif(self, *arguments, code=0):
        return self.ask("whatif", "--policy", self.other, *arguments, code=code)

    def store_hash(self):
        digest = hashlib.sha256()
        for at, _, names in sorted(os.walk(self.store)):
            for name in sorted(names):
                if name != "lock.mdb":              # LMDB's reader slots: whoever reads writes there
                    with open(os.path.join(at, name), "rb") as f:
                        digest.update(name.encode() + f.read())
        return digest.hexdigest()

    def test_the_same_rules_change_nothing_and_nothing_is_written(self):
        before = self.store_hash()
        found = self.whatif("--max-changed", "0", "--max-to-triage", "0")
        self.assertEqual(found["replayed"], self.total)
        self.assertEqual(found["counts"], {"same": self.total, "other-queue": 0, "other-area": 0, "other-desk": 0,
                                           "to-area": 0, "to-triage": 0, "no-owner": 0})
        self.assertEqual((found["pairs"], found["samples"], found["unreadable"]), ([], [], 0))
        self.assertEqual(found["policy_before"], found["policy_after"])
        self.assertIn(f"{self.total} decisions replayed", self.ctl("whatif", "--policy", self.other))
        self.assertEqual(self.store_hash(), before)

    def test_one_changed_rule_changes_whom_it_is_about(self):
        old, new = self.office_area["EX0001"], "dorset"
        line = [row for row in self.read(self.other + "/jobcentres.conf").split("\n") if '"EX0001"' in row][0]
        self.change_other("jobcentres.conf", line, line.replace(f'area = "{old}"', f'area = "{new}"'))
        found = self.whatif()                       # facts have the area's code: where an office is was looked up then
        self.assertEqual(found["counts"]["same"], self.total)
        self.change_other("areas.conf", f'name = "{old}"; ', f'name = "{old}"; until = "2025-01-01"; '
                          f'successors = ( {{ to = "{new}"; }} ); ')
        found = self.whatif("--samples", "2")
        moved = sum(count for code, count in OFFICES.items() if self.office_area[code] == old)
        moved += MANCHESTER if old == "greater-manchester" else 0
        self.assertEqual((found["counts"]["other-area"], found["counts"]["same"]), (moved, self.total - moved))
        self.assertEqual(found["pairs"], [{"kind": "other-area", "before": f"{old}/intake", "after": f"{new}/intake",
                                           "count": moved}])
        self.assertEqual(len(found["samples"]), min(2, moved))
        for sample in found["samples"]:
            self.assertRegex(sample["case_code"], "^WC-")
            self.assertEqual((sample["queue_before"], sample["queue_after"]), (f"{old}/intake", f"{new}/intake"))
        self.assertEqual(len(self.whatif("--list", "other-area")["samples"]), moved)
        self.assertEqual(self.whatif("--list", "to-area")["samples"], [])
        text = self.ctl("whatif", "--policy", self.other)
        self.assertIn(f"{old}/intake → {new}/intake {moved}", text)
        percent = 100 * moved / self.total
        self.whatif("--max-changed", f"{percent + 0.01:.3f}")
        self.whatif("--max-changed", f"{percent - 0.01:.3f}", code=1)
        self.whatif("--max-to-triage", "0")

    def test_who_would_go_to_a_desk_is_a_gate(self):
        area = self.office_area["EX0002"]
        number = self.read(self.other + "/areas.conf").split(f'name = "{area}"')[0].rsplit("id = ", 1)[1].split(";")[0]
        self.change_other("areas.conf", f"intake = {{ id = {1000 + int(number)};",
                          f'intake = {{ id = {1000 + int(number)}; opens = "2099-01-05";')
        moved = sum(count for code, count in OFFICES.items() if self.office_area[code] == area)
        moved += MANCHESTER if area == "greater-manchester" else 0
        self.assertGreater(moved, 0)
        found = self.whatif("--max-to-triage", "99")
        self.assertEqual(found["counts"]["to-triage"], moved)
        self.whatif("--max-to-triage", "0.1", code=1)
        # And back: what is a desk's today would be a provider's.
        self.ctl("policy", "load", "--dry-run", "--reason", "x")
        shutil.rmtree(self.policy)
        shutil.copytree(self.other, self.policy)
        self.forget_tests()
        self.act("policy", "load")
        self.submit("late", "jobcentre-feed", door="jobcentre", jobcentre="EX0002")
        self.change_other("areas.conf", ' opens = "2099-01-05";', "")
        found = self.whatif()
        self.assertEqual((found["counts"]["to-area"], found["counts"]["to-triage"], found["counts"]["same"]),
                         (1, 0, self.total))

    def test_what_begins_later_is_seen_today(self):
        self.change_other("areas.conf", 'name = "greater-manchester"; ', 'name = "greater-manchester"; '
                          'until = "2099-04-01"; successors = ( { to = "dorset"; } ); ')
        moved = OFFICES["EX0001"] + MANCHESTER
        for at, changed in ((None, 0), ("2099-03-31", 0), ("2099-04-01", moved)):
            found = self.whatif(*([] if at is None else ["--at", at]))
            self.assertEqual((found["replayed"], found["counts"]["other-area"], found["counts"]["same"]),
                             (self.total, changed, self.total - changed))
        self.ctl("whatif", "--policy", self.other, "--at", "soon", code=64)

    def test_what_a_rule_that_is_tried_out_would_have_done(self):
        self.change_other("routes.d/greater-manchester.conf", "rules = (", 'rules = ( { name = "trial"; owner = "Us"; '
                          'shadow = true; why = "a test"; from = "2099-01-01"; when = { door = "jobcentre"; }; '
                          'to = "greater-manchester/ingeus"; },')
        self.assertEqual(self.whatif()["shadows"], [])
        found = self.whatif("--at", "2099-01-01", "--max-changed", "0")
        self.assertEqual(found["counts"]["same"], self.total)
        self.assertEqual(found["shadows"], [{"rule": "trial", "from": "greater-manchester/intake",
                                             "to": "greater-manchester/ingeus", "count": OFFICES["EX0001"]}])
        self.assertIn("shadow rule trial would have made a difference: greater-manchester/intake → "
                      "greater-manchester/ingeus 5\n", self.ctl("whatif", "--policy", self.other, "--at", "2099-01-01"))

    def code_of(self, receipt):
        return self.ask("show", receipt["receipt"])["row"]["case_code"]

    def test_one_changed_rule_moves_exactly_the_people_of_its_place(self):
        """Wigan's own rule sends them to the provider of the other boroughs: who is of Wigan is known by hand."""
        wigan = [self.code_of(self.submit(f"wigan-{i}", "jobcentre-feed", door="jobcentre", jobcentre="EX0010"))
                 for i in range(3)]
        self.submit("young", "jobcentre-feed", door="jobcentre", jobcentre="EX0002")
        self.change_other("routes.d/greater-manchester.conf", 'to = "greater-manchester/wigan/be-well"',
                          'to = "greater-manchester/ingeus"')
        found = self.whatif("--list", "other-queue")
        self.assertEqual((found["replayed"], found["counts"]["other-queue"], found["counts"]["same"]),
                         (self.total + 4, 3, self.total + 1))
        self.assertEqual(found["pairs"], [{"kind": "other-queue", "before": "greater-manchester/wigan/be-well",
                                           "after": "greater-manchester/ingeus", "count": 3}])
        self.assertEqual([s["case_code"] for s in found["samples"]], wigan)
        for sample in found["samples"]:
            self.assertEqual([sample[key] for key in ("door", "queue_before", "rule_before", "queue_after",
                                                      "rule_after", "reason_after")],
                             ["jobcentre", "greater-manchester/wigan/be-well", "wigan", "greater-manchester/ingeus",
                              "wigan", "by_rule"])
        with self.subTest("the rule narrowed: nobody said how old they are"):
            self.change_other("routes.d/greater-manchester.conf", 'when = { place = "wigan"; };',
                              'when = { place = "wigan"; age = "16+"; };')
            found = self.whatif("--list", "other-queue")
            self.assertEqual([(s["case_code"], s["queue_after"], s["rule_after"]) for s in found["samples"]],
                             [(code, "greater-manchester/intake", "") for code in wigan])
        with self.subTest("an export says the same without the daemon"):
            self.ctl("audit", "export", "--out", self.dir + "/audit.ndjson")
            self.stop()
            from_file = self.whatif("--list", "other-queue", "--audit", self.dir + "/audit.ndjson")
            for sample in found["samples"]:
                sample["rule_before"] = ""
            for key in ("policy_before", "policy_after"):
                self.assertRegex(found[key], "^[0-9a-f]{12}$")
            self.assertEqual(from_file, found)

    def test_an_export_that_does_not_hold_is_not_replayed(self):
        path = self.dir + "/audit.ndjson"
        self.ctl("audit", "export", "--out", path)
        self.stop()
        self.assertEqual(self.whatif("--audit", path)["replayed"], self.total)
        lines = self.read(path).splitlines(keepends=True)
        changed = lines[5].replace('"bytes":"', '"bytes":"B')
        for kept, words in ((lines[1:], "the first line does not say that this is an export"),
                            (lines[:5] + ["{ \"seq\"\n"] + lines[6:], "entry 5 is on a line that is not readable"),
                            (lines[:5] + [changed] + lines[6:], "entry 5 "),
                            (lines[:5] + lines[6:], "entry 5 is missing"),
                            (lines[:-1], "the signed head is missing"), ([], "")):
            self.write(path, "".join(kept))
            done = self.run_ctl("whatif", "--policy", self.other, "--audit", path)
            self.assertEqual((done.returncode, done.stdout), (65, ""), done.stderr)
            self.assertIn(words, done.stderr)
        self.ctl("whatif", "--policy", self.other, "--audit", self.dir + "/nothing", code=66)

    def test_since_and_until_and_wrong_use(self):
        self.assertEqual(self.whatif("--since", "2099-01-01")["replayed"], 0)
        self.assertEqual(self.whatif("--until", "2001-01-01")["replayed"], 0)
        self.assertEqual(self.whatif("--since", "2001-01-01", "--until", "2099-01-01")["replayed"], self.total)
        for arguments in ((), ("--policy", self.other, "--list", "same"), ("--policy", self.other, "--since", "soon"),
                          ("--policy", self.other, "--max-changed", "101")):
            self.ctl("whatif", *arguments, code=64)
        self.write(self.other + "/areas.conf", "schema_version = 1;\n")
        self.ctl("whatif", "--policy", self.other, code=65)
        self.ctl("whatif", "--policy", self.dir + "/nothing", code=65)


class OtherDirectory(Served):
    """The edition says which area a part is of; another one says otherwise of one part, and nothing of another."""

    PRACTICES = {"Z99001": ("QE1", "00R"), "Z99002": ("QT6", "11N"), "Z99003": ("QWO", "02P")}
    SENT = {"Z99001": 4, "Z99002": 3, "Z99003": 2}

    def build(self, folder, practices):
        os.mkdir(folder, 0o700)
        rows = [[code, "INVENTED PRACTICE", "Y60", icb] + [""] * 5 + ["QA1 1AA", "19900401", "", "A", "B", sub,
                "20200401"] + [""] * 5 + ["0", "", sub, "", "4", ""] for code, (icb, sub) in practices.items()]
        text = "".join(",".join(f'"{field}"' for field in row) + "\r\n" for row in rows)
        self.ctl("directory", "build", "--out", folder + "/one.rfldir", "--edition", "invented", "--number", "1",
                 "--effective", "2026-01-01", "--practices", self.write(folder + ".csv", text))

    def test_whom_another_edition_places_elsewhere(self):
        self.build(self.dir + "/now", self.PRACTICES)
        self.build(self.dir + "/other", {"Z99001": ("QT6", "00R"), "Z99002": ("QT6", "11N")})
        conf = self.read(self.dir + "/referrald.conf")
        self.write(self.dir + "/referrald.conf",
                   conf.replace('directory_dir = ""', f'directory_dir = "{self.dir}/now"'))
        self.start()
        sent = {code: [self.submit(f"{code}-{i}", "gp-north", door="gp", gp_practice=code)["receipt"]
                       for i in range(count)] for code, count in self.SENT.items()}
        self.submit("no-practice", "gp-north", door="gp")
        same = self.ask("whatif", "--policy", self.policy, "--directory", self.dir + "/now", "--max-changed", "0")
        self.assertEqual((same["counts"]["same"], same["placed_again"], same["not_placed_again"]), (10, 9, 0))
        found = self.ask("whatif", "--policy", self.policy, "--directory", self.dir + "/other", "--list", "other-area")
        self.assertEqual((found["replayed"], found["counts"]["same"], found["counts"]["other-area"]), (10, 6, 4))
        self.assertEqual((found["looked_up"], found["placed_again"], found["not_placed_again"]), (9, 7, 2))
        self.assertEqual(found["pairs"], [{"kind": "other-area", "before": "lancashire-south-cumbria/intake",
                                           "after": "cornwall-isles-of-scilly/intake", "count": 4}])
        self.assertEqual([s["case_code"] for s in found["samples"]],
                         [self.ask("show", receipt)["row"]["case_code"] for receipt in sent["Z99001"]])
        self.assertIn("directory: 7 keys placed by the other edition; 2 could not be",
                      self.ctl("whatif", "--policy", self.policy, "--directory", self.dir + "/other"))
        self.ctl("whatif", "--policy", self.policy, "--directory", self.dir + "/nothing", code=65)


if __name__ == "__main__":
    unittest.main()

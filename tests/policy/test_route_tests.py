#!/usr/bin/env python3
"""referralctl route: the shipped tests pass and can fail, strictly read; an area's rules in their order.

Usage: test_route_tests.py --bin FOLDER
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = sys.argv[sys.argv.index("--bin") + 1]
del sys.argv[sys.argv.index("--bin"):sys.argv.index("--bin") + 2]


def route(*words):
    done = subprocess.run([os.path.join(BIN, "referralctl"), "route", *words], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Route(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.policy = os.path.join(self.folder, "policy")
        shutil.copytree("config/policy", self.policy)
        self.addCleanup(shutil.rmtree, self.folder)

    def replace(self, name, old, new):
        path = os.path.join(self.policy, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))

    def test_every_shipped_test_passes_and_every_shipped_rule_has_one(self):
        code, out, _ = route("test", self.policy, "--json")
        result = json.loads(out)
        self.assertEqual((code, result["failed"]), (0, 0))
        self.assertEqual(result["passed"], len(result["tests"]))
        used = {test["got"]["rule"] for test in result["tests"]} | {test["got"]["advice"] for test in result["tests"]}
        for area in ("greater-manchester", "lancashire-south-cumbria"):
            rules = json.loads(route("list", area, self.policy, "--json")[1])
            self.assertGreater(len(rules), 3)
            for rule in rules:
                if not rule.get("shadow"):
                    self.assertIn(rule["name"], used)

    def test_a_changed_rule_fails_the_test_that_expects_it(self):
        self.replace("routes.d/greater-manchester.conf", 'to = "greater-manchester/wigan/be-well"',
                     'to = "greater-manchester/ingeus"')
        code, out, _ = route("test", self.policy)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?m)^tests.d/england.conf +5 +0$")
        self.assertRegex(out, r"(?m)^tests.d/greater-manchester.conf +10 +4$")
        self.assertIn("FAILED wigan by home (tests.d/greater-manchester.conf:32)\n"
                      "  expected greater-manchester/wigan/be-well, rule wigan\n"
                      "  got      greater-manchester/ingeus, reason by_rule, rule wigan, advice none\n", out)
        self.assertIn("29 passed, 4 failed\n", out)

    def test_reason_rule_and_advice_count(self):
        for old, new in (('reason = "by_rule"', 'reason = "by_postcode"'),
                         ('rule = "manchester"; advice', 'rule = ""; advice'),
                         ('advice = "too-young"', 'advice = ""')):
            with self.subTest(old=old):
                shutil.rmtree(self.policy)
                shutil.copytree("config/policy", self.policy)
                self.replace("tests.d/greater-manchester.conf", old, new)
                self.assertEqual(route("test", self.policy)[0], 1)

    def test_a_test_without_a_date_is_of_the_moment_that_is_named(self):
        name = "tests.d/lancashire-south-cumbria.conf"
        self.replace(name, 'first day"; at = "2026-07-01";', 'first day";')
        self.assertEqual(route("test", self.policy, "--at", "2026-08-01")[0], 0)
        self.assertEqual(route("test", self.policy, "--at", "2026-05-01")[0], 1)
        self.assertEqual(route("test", self.policy, "--at", "soon")[0], 64)

    def test_mistakes_are_named_and_the_other_tests_are_run(self):
        for old, new, words in (('expect = "national/triage"', 'expct = "x"', "no setting of that name"),
                                ('door = "employer"', 'door = "church"', "no door"),
                                ('expect = "national/triage"', 'expect = "mars/intake"', "no queue"),
                                ('at = "2026-09-01"', 'at = "soon"', "not a date")):
            with self.subTest(new=new):
                shutil.rmtree(self.policy)
                shutil.copytree("config/policy", self.policy)
                self.replace("tests.d/england.conf", old, new)
                code, out, err = route("test", self.policy)
                self.assertEqual(code, 65)
                self.assertRegex(err, r"tests\.d/england\.conf:\d+: .*" + words)
                self.assertIn("32 passed, 0 failed", out)

    def test_tests_are_no_part_of_the_policy(self):
        before = route("list", "greater-manchester", self.policy)
        shutil.rmtree(os.path.join(self.policy, "tests.d"))
        self.assertEqual(route("list", "greater-manchester", self.policy), before)
        self.assertEqual(route("test", self.policy)[0], 0)

    def test_rules_are_listed_in_their_order_with_owner_and_dates(self):
        code, out, _ = route("list", "lancashire-south-cumbria", self.policy)
        self.assertEqual(code, 0)
        self.assertLess(out.index("too-young"), out.index("fit-note-pilot"))
        self.assertLess(out.index("fit-note-pilot"), out.index("blackburn-first-12-weeks"))
        self.assertRegex(out, re.compile(
            r"^rule +fit-note-pilot +to +\S+ +2026-07-01 +2027-07-01 +Fit note pilot lead ", re.MULTILINE))
        self.assertRegex(out, r"shadow rule +blackburn-off-sick")
        self.assertEqual(route("list", "atlantis", self.policy)[0], 65)
        self.assertEqual(route("list", "devon", os.path.join(self.folder, "nowhere"))[0], 66)


if __name__ == "__main__":
    unittest.main()

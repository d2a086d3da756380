#!/usr/bin/env python3
"""referralctl policy check and diff on copies of the shipped policy: exit codes, words, --json with the same content.

    RFL_BIN=build/dev tests/policy/test_ctl_policy.py
"""
import datetime
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIPPED = os.path.join(ROOT, "config", "policy")
CTL = os.path.join(os.environ.get("RFL_BIN", os.path.join(ROOT, "build", "dev")), "referralctl")
LANCASHIRE = "routes.d/lancashire-south-cumbria.conf"
AT = ("--at", "2026-06-01T00:00:00Z")


def ctl(*arguments, zone="Europe/London"):
    return subprocess.run([CTL, "policy", *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "TZ": zone})


class PolicyCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def policy(self, file=None, before=None, after=None):
        """A copy of the shipped policy, with one place of one file changed."""
        copy = tempfile.mkdtemp(dir=self.folder)
        shutil.copytree(SHIPPED, copy, dirs_exist_ok=True)
        if file is not None:
            path = os.path.join(copy, file)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            self.assertIn(before, text)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(before, after, 1))
        return copy

    def findings(self, folder, *options, code):
        """By --json, after seeing that the table for people says the same."""
        done = ctl("check", folder, "--json", *AT, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        value = json.loads(done.stdout)
        table = ctl("check", folder, *AT, *options)
        self.assertEqual(table.returncode, code)
        for one in value["findings"]:
            self.assertIn(f"{one['severity']} {one['finding']}", table.stdout)
            self.assertIn(one["do"], table.stdout)
            if "shown_by" in one:
                self.assertIn(one["shown_by"]["person"], table.stdout)
        self.assertIn(f"{value['errors']} errors, {value['warnings']} warnings", table.stdout)
        self.assertEqual(value["errors"], sum(f["severity"] == "error" for f in value["findings"]))
        return value["findings"]

    def only_new(self, folder, *options, code):
        """What is found beyond what the shipped policy has: rules that overlap because their owners mean it."""
        return [one for one in self.findings(folder, *options, code=code) if one["finding"] != "overlap"]

    def test_the_shipped_policy_is_sound(self):
        self.assertEqual(self.findings(SHIPPED, "--strict", code=0), [])

    def test_a_rule_for_everybody_covers_those_after_it(self):
        folder = self.policy(LANCASHIRE, "rules = (", """rules = (
            { name = "everybody"; owner = "Somebody"; why = "A mistake."; to = "lancashire-south-cumbria/intake"; },""")
        found = [one for one in self.only_new(folder, code=1) if one["finding"] == "rule_covered"]
        self.assertEqual([one["by"].split(" ")[1] for one in found], ["fit-note-pilot", "blackburn-first-12-weeks"])
        for one in found:
            self.assertRegex(one["by"], r"\(routes\.d/lancashire-south-cumbria\.conf:\d+\)$")
            self.assertRegex(one["covered_by"][0], r"^rule everybody ")
            self.assertEqual(one["shown_by"]["goes_to"], "lancashire-south-cumbria/intake")

    def test_a_door_that_nobody_owns_up_to(self):
        folder = self.policy(LANCASHIRE, " doors_differ = true;", "")
        one, = {f["by"]: f for f in self.only_new(folder, code=1) if f["other"] == "the area's intake"
                or f["by"] == "the area's intake"}.values()
        self.assertEqual((one["severity"], one["finding"]), ("error", "doors_differ"))
        self.assertIn("fit-note-pilot", one["by"] + one["other"])
        self.assertNotEqual(one["shown_by"]["goes_to"], one["and_by"]["goes_to"])

    def test_a_pilot_whose_rule_outlives_its_queue(self):
        folder = self.policy(LANCASHIRE, 'closes = "2027-08-01"; capacity = 300; overflow = "lancashire-south-cumbria/'
                             'intake"', 'closes = "2027-01-01"; capacity = 300')
        one, = self.only_new(folder, code=1)
        self.assertEqual((one["finding"], one["queue"]), ("queue_closed", "lancashire-south-cumbria/fit-note-pilot"))
        self.assertEqual(one["shown_by"]["at"], "2027-01-01")
        self.assertEqual(one["owner"], "Fit note pilot lead")

    def test_another_age_is_one_difference_in_words(self):
        folder = self.policy(LANCASHIRE, 'weeks_out_of_work = "1-12"', 'weeks_out_of_work = "1-10"')
        done = ctl("diff", SHIPPED, folder, "--json", "--at", "2026-06-01T00:00:00Z")
        self.assertEqual(done.returncode, 1, done.stderr)
        one, = json.loads(done.stdout)["differences"]
        self.assertEqual(one["who"], "employment=out_of_work weeks_out_of_work=11-12 place=blackburn-with-darwen")
        self.assertEqual(one["after"], {"queue": "lancashire-south-cumbria/intake", "by": "the area's intake"})

    def test_an_intake_that_opens_later_is_a_warning_with_a_person(self):
        folder = self.policy("areas.conf", 'intake = { id = 1001; ', 'intake = { id = 1001; opens = "2027-01-01"; ')
        one, = self.only_new(folder, code=0)
        self.assertEqual((one["severity"], one["finding"]), ("warning", "queue_later"))
        self.assertEqual(one["queue"], "bath-swindon-wiltshire/intake")
        self.assertRegex(one["shown_by"]["person"], r"^door=gp source=\S+$")
        self.assertEqual(one["shown_by"]["goes_to"], "bath-swindon-wiltshire/triage")
        self.findings(folder, "--strict", code=1)

    def test_a_queue_that_nothing_leads_to_is_a_warning(self):
        folder = self.policy("areas.conf", 'intake = { id = 1001; ', '''providers = ( { id = 3999; name = "spare";
            owner = "Somebody"; lead = "Somebody else"; } ); intake = { id = 1001; ''')
        one, = self.only_new(folder, code=0)
        self.assertEqual((one["finding"], one["queue"]), ("queue_unused", "bath-swindon-wiltshire/spare"))
        self.assertEqual(one["owner"], "Somebody")

    def test_queues_that_no_key_may_work_are_errors(self):
        keys = os.path.join(self.folder, "keys.conf")
        public = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
        with open(keys, "w", encoding="utf-8") as f:
            f.write('schema_version = 1;\nkeys = ( { name = "desk"; public = "' + public + '"; owner = "head"; '
                    'from = "2020-01-01"; until = "2099-01-01"; worker = "desk"; '
                    'queues = ( "kent-medway/*" ); } );\nend_of_config = true;\n')
        os.chmod(keys, 0o600)
        found = self.only_new(SHIPPED, "--keys", keys, code=1)
        self.assertEqual({one["finding"] for one in found}, {"queue_no_worker"})
        queues = {one["queue"] for one in found}
        self.assertGreaterEqual(len(queues), 35)
        self.assertIn("greater-manchester/intake", queues)
        self.assertNotIn("kent-medway/intake", queues)

    def test_what_does_not_load_is_said_with_its_line(self):
        folder = self.policy("areas.conf", 'to = "central-east"', 'to = "nowhere-at-all"')
        found = self.findings(folder, code=1)
        self.assertEqual({one["finding"] for one in found}, {"does_not_load"})
        self.assertTrue(any(one["line"] > 0 and one["file"].endswith("areas.conf") for one in found))
        self.assertEqual(ctl("diff", SHIPPED, folder).returncode, 65)

    def test_wrong_use(self):
        self.assertEqual(ctl("check", os.path.join(self.folder, "absent")).returncode, 66)
        self.assertEqual(ctl("check", SHIPPED, "--at", "someday").returncode, 64)
        self.assertEqual(ctl("diff", SHIPPED).returncode, 64)
        self.assertEqual(ctl("diff", SHIPPED, SHIPPED, "--strict").returncode, 64)

    def test_a_policy_and_itself_do_not_differ(self):
        done = ctl("diff", SHIPPED, self.policy("sources.conf", "# id ", "# the id "))
        self.assertEqual((done.returncode, done.stdout), (0, "0 differences\n"))
        self.assertEqual(json.loads(ctl("diff", SHIPPED, SHIPPED, "--json").stdout), {"differences": []})

    def test_one_new_rule_is_one_difference_however_others_cut_it_up(self):
        rule = '''  { name = "new"; owner = "Wigan"; why = "a test"; when = { place = "wigan"; employment = "off_sick";
            barrier = ( "musculoskeletal", "mental_health", "heart_blood_pressure_circulation" ); };
            to = "greater-manchester/ingeus"; },\n'''
        before = '  { name = "wigan"; owner'
        folder = self.policy("routes.d/greater-manchester.conf", before, rule + before)
        one, = json.loads(ctl("diff", SHIPPED, folder, "--json").stdout)["differences"]
        self.assertEqual(one["who"], "employment=off_sick barrier=1,2,3,9,12,15 place=wigan")

    def test_days_begin_in_london_wherever_it_is_asked(self):
        folder = self.policy("areas.conf", 'intake = { id = 1001; ', 'intake = { id = 1001; opens = "2099-07-01"; ')
        for zone in ("UTC", "Europe/London", "Asia/Tokyo"):
            one, = json.loads(ctl("diff", SHIPPED, folder, "--json", zone=zone).stdout)["differences"]
            self.assertEqual(one["until"], "2099-07-01")

    def test_another_opening_day_is_one_difference_with_its_dates(self):
        year = datetime.date.today().year + 2               # to come, whenever this runs
        folder = self.policy("areas.conf", 'intake = { id = 1001; ',
                             f'intake = {{ id = 1001; opens = "{year}-01-01"; ')
        done = ctl("diff", SHIPPED, folder, "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        one, = json.loads(done.stdout)["differences"]
        self.assertEqual((one["area"], one["until"], one["who"]),
                         ("bath-swindon-wiltshire", f"{year}-01-01", "everybody"))
        self.assertEqual(one["before"], {"queue": "bath-swindon-wiltshire/intake", "by": "the area's intake"})
        self.assertEqual(one["after"]["queue"], "bath-swindon-wiltshire/triage")
        table = ctl("diff", SHIPPED, folder)
        self.assertRegex(table.stdout, re.compile(rf"^bath-swindon-wiltshire from \S+ until {year}-01-01: everybody$",
                                                  re.M))
        self.assertEqual(ctl("diff", SHIPPED, folder, "--at", f"{year}-02-01").returncode, 0)
        self.assertEqual(ctl("diff", SHIPPED, folder, "--at", f"{year - 1}-12-31").returncode, 1)


if __name__ == "__main__":
    unittest.main()

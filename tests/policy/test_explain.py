#!/usr/bin/env python3
"""Why somebody went where they went: under the policy of that day, two policies later; what would have changed it.

Run from the project's root with RFL_BIN naming the folder of the programs.
"""
import json
import shutil
import unittest

from served import Served

RULES = """schema_version = 1;
area = "dorset";
providers = ( { id = 3901; name = "coaching"; owner = "Coaching, Dorset"; lead = "Head of coaching, Dorset"; } );
rules = (
  { name = "young"; owner = "Dorset youth"; why = "a test"; when = { employment = ( "student" ); };
    to = "dorset/coaching"; },
  { name = "trial"; owner = "Dorset trials"; why = "a test"; shadow = true; to = "dorset/intake"; },
  { name = "out-of-work"; owner = "Dorset jobs"; why = "a test"; when = { employment = ( "out_of_work" ); };
    to = "dorset/coaching"; }
);
end_of_config = true;
"""


class Explain(Served):
    def setUp(self):
        super().setUp()
        self.write(self.policy + "/routes.d/dorset.conf", RULES)
        self.change("jobcentres.conf", '{ code = "EX0001"; area = "greater-manchester"; }',
                    '{ code = "EX0001"; area = "dorset"; }')
        self.start()

    def file(self, **form):
        return self.write(self.dir + "/form.json", json.dumps({"door": "jobcentre", "jobcentre": "EX0001",
                                                               "consent": "given", **form}))

    def test_rules_in_order_and_why_not(self):
        why = self.ask("explain", "--file", self.file(employment="out_of_work"))
        self.assertEqual([(t["name"], t["holds"], t["unmet"], t["shadow"]) for t in why["tried"]],
                         [("young", False, "employment is out_of_work", False), ("trial", True, "", True),
                          ("out-of-work", True, "", False)])
        for tried, line in zip(why["tried"], (5, 7, 8)):
            self.assertTrue(tried["file"].endswith("dorset.conf"))
            self.assertEqual(tried["line"], line)
        self.assertEqual((why["queue"], why["rule"], why["shadow"], why["shadow_queue"], why["again"]),
                         ("dorset/coaching", "out-of-work", "trial", "dorset/intake", ""))
        self.assertEqual(self.ask("explain", "--file", self.file(employment="in_work"))["queue"], "dorset/intake")

    def test_each_counterfactual_applied_leads_there(self):
        why = self.ask("explain", "--file", self.file(employment="in_work"), "--counterfactual")
        self.assertEqual(why["differ_all"] >= len(why["differ"]) > 0, True)
        by_change = {d["change"]: d["queue"] for d in why["differ"]}
        for word in ("student", "out_of_work"):
            self.assertEqual(by_change[f"employment were {word}"], "dorset/coaching")
            self.assertEqual(self.ask("explain", "--file", self.file(employment=word))["queue"], "dorset/coaching")
        self.assertEqual(by_change["jobcentre were not supplied"], "national/triage")
        self.assertEqual(self.ask("explain", "--file", self.file(jobcentre=""))["queue"], "national/triage")
        self.assertNotIn("employment were in_work", by_change)
        self.assertEqual(self.ask("explain", "--file", self.file(employment="in_work"))["differ"], [])
        self.assertIn("would differ if: ", self.ctl("explain", "--file", self.file(employment="in_work"),
                                                    "--counterfactual"))

    def test_the_past_under_its_own_policy(self):
        code = self.submit("past", "jobcentre-feed", door="jobcentre", jobcentre="EX0001",
                           employment="out_of_work")["receipt"]
        first = self.ask("explain", code, "--counterfactual")
        self.assertEqual((first["queue"], first["rule"], first["again"]), ("dorset/coaching", "out-of-work", "same"))
        self.forget_tests()
        for name in ("later", "latest"):
            self.write(self.policy + "/routes.d/dorset.conf", RULES.replace('"out-of-work"', f'"{name}"'))
            self.act("policy", "load")
        past = self.ask("explain", code, "--counterfactual")
        self.assertEqual(past, first)
        self.assertEqual(self.ask("explain", "--file", self.file(employment="out_of_work"))["rule"], "latest")
        with self.subTest("text and JSON say the same"):
            text = self.ctl("explain", code, "--counterfactual")
            said = [past["queue"], past["rule"], past["policy"], past["again"], past["shadow"]]
            said += [v for t in past["tried"] for v in (t["name"], t["owner"], t["unmet"], t["file"])]
            for d in past["differ"]:    # on one line where they are alike: "postcode were in a or b"
                subject, _, value = d["change"].partition(" were ")
                home = d["queue"] == value.removeprefix("in ") + "/intake"
                said += [subject, "another area  → that area's intake"] if home else [subject, value, d["queue"]]
            for value in said:
                self.assertIn(value, text)
        with self.subTest("without the archive there is the trail"):
            digest = self.ask("policy", "list")["policies"][-1]["digest"]
            shutil.move(f"{self.archive}/{digest}", self.dir + "/away")
            self.stop()
            self.start()
            bare = self.ask("explain", code)
            self.assertEqual((bare["again"], bare["tried"], bare["queue"]), ("policy_not_kept", [], first["queue"]))
            self.assertEqual(bare["candidates"], first["candidates"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""hazards.py finds a hazard without a test, a test that is not there, and one that did not pass; and nothing else."""
import os
import tempfile
import unittest

import hazards

HEAD = "## H1 Lost\n\n| cause | left | shown by |\n|---|---|---|\n"
GOOD = HEAD + "| a | low | `unit.test_tidy/test_a_file_no_target_compiles_is_found`, `guard.words` |\n"
TESTS = {"unit.test_tidy": ["/usr/bin/python3", "tests/guard/test_tidy.py"], "guard.words": ["words"]}
XML = ('<testsuite><testcase name="unit.x" status="{status}"><system-out>[ RUN      ] one\n[{mark}] one\n</system-out>'
       '</testcase></testsuite>')
NAMES_ONE = HEAD + "| a | low | `unit.x/one` |\n"


class HazardsTest(unittest.TestCase):
    def found(self, text):
        return list(hazards.check_document("log", text)) + list(hazards.check_registered("log", text, TESTS))

    def test_a_log_whose_tests_are_there_has_no_finding(self):
        self.assertEqual(self.found(GOOD), [])
        self.assertEqual(len(hazards.named(GOOD)), 2)

    def test_each_fault_is_found(self):
        for text, said in ((HEAD + "| a | low | |\n", "no test shows this"), (HEAD, "has no test"),
                           (GOOD + "| b | low | by looking |\n", "is not a test"),
                           (GOOD.replace("guard.words", "guard.wordy"), "not a test of the suite"),
                           (GOOD.replace("compiles_is_found", "compiles_is_lost"), "has no function")):
            with self.subTest(said=said):
                self.assertTrue(any(said in finding for finding in self.found(text)), self.found(text))

    def passed(self, *files):
        with tempfile.TemporaryDirectory() as folder:
            for i, text in enumerate(files):
                with open(os.path.join(folder, f"{i}.xml"), "w", encoding="utf-8") as f:
                    f.write(text)
            return list(hazards.check_passed("log", NAMES_ONE, hazards.results(folder)))

    def test_what_did_not_pass_is_found(self):
        good = XML.format(status="run", mark="       OK ")
        self.assertEqual(self.passed(good), [])
        self.assertEqual(self.passed(good, good), [])
        for bad in ([], [XML.format(status="fail", mark="  FAILED  ")], [good, XML.format(status="fail", mark="x")],
                    [XML.format(status="run", mark="  SKIPPED ")], [good.replace("unit.x", "unit.y")]):
            self.assertEqual(len(self.passed(*bad)), 1, bad)


if __name__ == "__main__":
    unittest.main()

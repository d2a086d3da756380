#!/usr/bin/env python3
"""The last line of tools/test is worth what its arithmetic is worth."""
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "count_results.py")
CMOCKA = ("[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n[  FAILED  ] b\n"
          "[ RUN      ] c\n[  SKIPPED ] c\n[==========] 3 test(s) run.\n[  PASSED  ] 1 test(s).\n"
          "[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] c\n[  FAILED  ] 1 test(s), listed below:\n"
          "[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")
CRASHED = "[==========] Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"


def case(status, output, inner=""):
    return f'<testcase name="x" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


class Counting(unittest.TestCase):
    def outcome(self, *cases, broken=False):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "dev.xml"), "w", encoding="utf-8") as f:
                f.write("<testsuite>" + "".join(cases) + "</testsuite>")
            if broken:
                with open(os.path.join(folder, "release.broken"), "w", encoding="utf-8"):
                    pass
            run = subprocess.run([sys.executable, PROGRAM, folder], capture_output=True, text=True, check=False)
            return run.stdout, run.returncode

    def test_nothing_ran_is_a_failure(self):
        self.assertEqual(self.outcome(), ("0 passed, 0 failed\n", 1))

    def test_functions_are_counted_not_programs(self):
        self.assertEqual(self.outcome(case("fail", CMOCKA, "<failure/>")), ("1 passed, 1 failed, 1 skipped\n", 1))

    def test_a_crash_counts_what_passed_and_one_failure(self):
        self.assertEqual(self.outcome(case("fail", CRASHED, "<failure/>")), ("1 passed, 1 failed\n", 1))

    def test_a_program_that_reports_nothing_is_one_test(self):
        self.assertEqual(self.outcome(case("run", "hello"), case("run", "")), ("2 passed, 0 failed\n", 0))
        self.assertEqual(self.outcome(case("fail", "", "<failure/>")), ("0 passed, 1 failed\n", 1))

    def test_checks_line_is_believed(self):
        self.assertEqual(self.outcome(case("run", "checks: 7 passed, 0 failed, 2 skipped\n")),
                         ("7 passed, 0 failed, 2 skipped\n", 0))

    def test_failures_count_even_when_the_program_ended_well(self):
        self.assertEqual(self.outcome(case("run", "checks: 7 passed, 1 failed\n")), ("7 passed, 1 failed\n", 1))

    def test_a_program_that_is_not_there_failed_and_a_skip_is_a_skip(self):
        self.assertEqual(self.outcome(case("notrun", "", '<skipped message="Unable to find executable"/>')),
                         ("0 passed, 1 failed\n", 1))
        self.assertEqual(self.outcome(case("run", ""), case("notrun", "", '<skipped message="SKIP_RETURN_CODE=77"/>')),
                         ("1 passed, 0 failed, 1 skipped\n", 0))

    def test_a_build_that_failed_is_a_failure(self):
        self.assertEqual(self.outcome(case("run", ""), broken=True), ("1 passed, 1 failed\n", 1))


if __name__ == "__main__":
    unittest.main()

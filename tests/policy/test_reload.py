#!/usr/bin/env python3
"""The policy while running: kept, tried before it takes effect, taken back, and pinned through restarts.

Run from the project's root with RFL_BIN naming the folder of the programs.
"""
import os
import signal
import stat
import unittest

from served import Served

CLOCK = 'accept = "2wd"'


def providers(first, count):
    one = '{{ id = {0}; name = "spare-{0}"; owner = "Spare {0}"; lead = "Head of spares"; }}'
    return "providers = ( " + ", ".join(one.format(first + i) for i in range(count)) + " ); "


class Reload(Served):
    def in_force(self):
        rows = self.ask("policy", "list")["policies"]
        self.assertEqual([row["in_force"] for row in rows], [True] + [False] * (len(rows) - 1))
        return rows[0]["digest"]

    def load(self, *arguments, taken=True):
        reply = self.act("policy", "load", *arguments, code=0 if taken else 1)
        self.assertEqual(reply["taken"], taken)
        return reply

    def refused(self, rule, *arguments, key=None, file=None):
        """The load is refused for this rule; nothing has changed, and the log and the status say why."""
        before, since = self.in_force(), len(self.log())
        kept = sorted(os.listdir(self.archive))
        reply = self.load(*arguments, taken=False)
        finding = [f for f in reply["findings"] if rule in f["rule"]]
        self.assertEqual(len(finding), 1, reply["findings"])
        self.assertTrue(finding[0]["remedy"])
        if key is not None:
            self.assertEqual(finding[0]["key"], key)
        if file is not None:
            self.assertTrue(finding[0]["file"].endswith(file), finding)
            self.assertGreater(finding[0]["line"], 0)
        said = self.await_log("event=reload.kept_old", since)
        self.assertIn(rule, said)
        self.assertEqual((self.in_force(), sorted(os.listdir(self.archive))), (before, kept))
        status = self.ask("status")
        self.assertGreater(status["reload_refused_ms"], 0)
        self.assertIn(reply["findings"][0]["rule"], status["reload_refused"])

    def test_what_is_in_force_is_kept_as_it_was_read(self):
        self.start()
        digest = self.in_force()
        self.assertEqual(os.listdir(self.archive), [digest])
        for folder in (self.archive, f"{self.archive}/{digest}"):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        kept = [os.path.relpath(os.path.join(at, name), f"{self.archive}/{digest}")
                for at, _, names in os.walk(f"{self.archive}/{digest}") for name in names]
        self.assertIn("areas.conf", kept)
        for name in kept:
            self.assertEqual(stat.S_IMODE(os.stat(f"{self.archive}/{digest}/{name}").st_mode), 0o600)
            self.assertEqual(self.read(f"{self.archive}/{digest}/{name}"), self.read(f"{self.policy}/{name}"))
        self.assertEqual(self.check("-t")[1].split("policy ")[1].split()[0], digest)
        # The same again keeps nothing more, and a comment is the same policy.
        self.write(self.policy + "/clocks.conf", "# a comment\n" + self.read(self.policy + "/clocks.conf"))
        self.load()
        self.assertEqual((self.in_force(), os.listdir(self.archive)), (digest, [digest]))

    def test_a_crash_while_keeping_leaves_nothing_that_is_read(self):
        self.start()
        first = self.in_force()
        half = self.archive + "/.new.abcdef"
        os.mkdir(half)
        self.write(half + "/areas.conf", "schema_version = 1;\n")
        self.stop(signal.SIGKILL, code=-signal.SIGKILL)
        self.start()
        self.assertEqual(self.in_force(), first)
        self.assertEqual(self.ask("policy", "rollback", "--dry-run", "--reason", "x", code=1)["findings"][0]["rule"],
                         "no such policy was ever in force here")
        self.change("clocks.conf", CLOCK, 'accept = "3wd"')
        second = self.load()["after"]
        self.assertEqual(sorted(os.listdir(self.archive)), sorted([first, second]))

    def test_reload_refuses_what_is_wrong_and_keeps_the_old(self):
        self.start()
        areas = self.read(self.policy + "/areas.conf")
        with self.subTest("syntax"):
            self.write(self.policy + "/areas.conf", areas[:areas.index("  { id = 30;")])
            self.refused("syntax error", file="areas.conf")
            self.assertEqual(self.check("-t")[0], 78)
        with self.subTest("a whole that does not hold together"):
            self.write(self.policy + "/areas.conf", areas.replace('successors = ( { to = "central-east"; } );', "", 1))
            self.refused("nobody follows it", file="areas.conf")
            self.assertEqual(self.check("-t")[0], 78)
            self.write(self.policy + "/areas.conf", areas.replace("id = 1003;", "id = 1001;", 1))
            self.refused("taken", file="areas.conf")
        with self.subTest("force does not help what is wrong"):
            self.refused("taken", "--force", file="areas.conf")
        with self.subTest("a rule that never decides"):
            self.write(self.policy + "/areas.conf", areas)
            rule = '{{ name = "{}"; owner = "Dorset"; why = "a test"; to = "dorset/intake"; }}'
            self.write(self.policy + "/routes.d/dorset.conf", 'schema_version = 1;\narea = "dorset";\nrules = ( '
                       + rule.format("all") + ",\n" + rule.format("never") + " );\nend_of_config = true;\n")
            self.refused("the rule never decides", file="dorset.conf", key="never")
            code, said = self.check("-t")
            self.assertEqual((code, "the rule never decides" in said), (78, True), said)
            os.remove(self.policy + "/routes.d/dorset.conf")
            self.write(self.policy + "/areas.conf", areas.replace("id = 1003;", "id = 1001;", 1))
        with self.subTest("HUP"):
            since = len(self.log())
            self.daemon.send_signal(signal.SIGHUP)
            self.await_log("event=reload.kept_old", since)
        self.write(self.policy + "/areas.conf", areas)
        self.load()
        self.assertEqual(self.ask("status")["reload_refused_ms"], 0)

    def break_a_test(self):
        """A rule is changed that two shipped tests are about. The line of the first of them, and its queue."""
        name = "tests.d/lancashire-south-cumbria.conf"
        lines = self.read(f"{self.policy}/{name}").split("\n")
        line = next(n for n, text in enumerate(lines, 1) if '"Blackburn, twelve weeks"' in text)
        self.change("routes.d/lancashire-south-cumbria.conf", '"1-12"', '"1-11"')
        return line, "lancashire-south-cumbria/blackburn-with-darwen/early-help"

    def test_a_folder_whose_tests_fail_is_not_loaded(self):
        self.start()
        first = self.in_force()
        line, queue = self.break_a_test()
        said = (f"queue: expected {queue}, got lancashire-south-cumbria/intake; "
                "rule: expected blackburn-first-12-weeks, got none")
        with self.subTest("PolicyLoad, and force does not help"):
            self.refused(said, key="Blackburn, twelve weeks", file="tests.d/lancashire-south-cumbria.conf")
            self.refused(said, "--force")
            finding = self.act("policy", "load", code=1)["findings"]
            self.assertEqual([(f["line"], f["key"]) for f in finding], [(line, "Blackburn, twelve weeks")])
            dry = self.ask("policy", "load", "--dry-run", "--reason", "x", code=1)
            self.assertEqual((dry["taken"], dry["findings"]), (False, finding))
        with self.subTest("HUP"):
            since = len(self.log())
            self.daemon.send_signal(signal.SIGHUP)
            self.await_log("event=reload.kept_old", since)
            self.assertIn(said, self.log()[since:])
            self.assertEqual(self.in_force(), first)
        with self.subTest("referrald -t"):
            code, printed = self.check("-t")
            self.assertEqual(code, 78)
            self.assertIn(f"tests.d/lancashire-south-cumbria.conf:{line}: Blackburn, twelve weeks: {said}", printed)
        with self.subTest("a file of tests that cannot be read"):
            self.change("routes.d/lancashire-south-cumbria.conf", '"1-11"', '"1-12"')
            tests = self.policy + "/tests.d/broken.conf"
            self.write(tests, "schema_version = 1;\ntests = ( { nam = 1; } );\nend_of_config = true;\n")
            self.refused("no setting of that name", file="broken.conf")
            os.remove(tests)
        self.load()
        self.assertEqual(self.check("-t")[0], 0)

    def test_a_policy_that_would_not_pass_is_served_at_the_start_and_said(self):
        self.start()
        self.assertEqual((self.ask("status")["policy_doubtful"], "policy.doubtful" in self.log()), ("", False))
        self.stop()
        line, queue = self.break_a_test()
        self.start()
        self.assertIn("level=error event=policy.doubtful", self.log())
        self.assertRegex(self.log(), f"level=error event=policy.finding .*line={line} .*Blackburn, twelve weeks")
        doubt = self.ask("status")["policy_doubtful"]
        self.assertTrue(doubt.startswith("lancashire-south-cumbria.conf: Blackburn, twelve weeks: queue: expected "
                                         + queue), doubt)
        self.assertIn("policy DOUBTFUL", self.ctl("status"))
        self.submit("somebody")                     # people are taken in all the same
        with self.subTest("a refused load changes nothing of it"):
            self.load(taken=False)
            self.assertEqual(self.ask("status")["policy_doubtful"], doubt)
        with self.subTest("and what the proof says, of a pinned one too, whose tests are not asked"):
            self.change("routes.d/lancashire-south-cumbria.conf", '"1-11"', '"1-12"')
            self.load()
            self.assertEqual(self.ask("status")["policy_doubtful"], "")
            self.act("policy", "rollback")
            self.stop()
            self.start()
            self.assertEqual(self.ask("status")["policy_doubtful"], "")
            self.load()
            self.stop()
            rule = '{{ name = "{}"; owner = "Dorset"; why = "a test"; to = "dorset/intake"; }}'
            self.write(self.policy + "/routes.d/dorset.conf", 'schema_version = 1;\narea = "dorset";\nrules = ( '
                       + rule.format("all") + ",\n" + rule.format("never") + " );\nend_of_config = true;\n")
            self.start()
            self.assertIn("never decides", self.ask("status")["policy_doubtful"])

    def test_a_policy_that_takes_queues_away_needs_force(self):
        areas = self.read(self.policy + "/areas.conf")
        row = 'intake = { id = 1017;'
        self.assertEqual(areas.count(row), 1)
        self.write(self.policy + "/areas.conf", areas.replace(row, providers(3901, 20) + row))
        self.start()
        area = self.ask("explain", "--file", self.write(self.dir + "/f.json", '{"door": "gp"}'))
        self.assertTrue(area["hypothetical"])
        name = [q["name"] for q in self.ask("queue", "list")["queues"] if q["name"].endswith("/spare-3901")][0]
        with self.subTest("more than a tenth of the providers' queues"):
            self.write(self.policy + "/areas.conf", areas)
            self.refused("providers' queues in force are gone", key="queues")
        with self.subTest("a few nobody is in may go"):
            self.write(self.policy + "/areas.conf", areas.replace(row, providers(3901, 15) + row))
            self.load()
        with self.subTest("one that somebody is in may not"):
            code = self.submit("a")["receipt"]
            self.act("triage", "redirect", code, name)
            self.write(self.policy + "/areas.conf", areas.replace(row, providers(3902, 14) + row))
            self.refused("1 open cases are in it", key=name)
            dry = self.ask("policy", "load", "--dry-run", "--force", "--reason", "x")
            self.assertEqual((dry["taken"], dry["dry_run"], len(dry["findings"])), (True, True, 1))
            self.assertEqual(self.ask("show", code)["row"]["queue"], name)
        with self.subTest("nor one that somebody is held from"):
            self.act("triage", "hold", code, "--until", "+2h")
            self.refused("1 open cases are in it", key=name)
        with self.subTest("but with force"):
            reply = self.load("--force")
            self.assertEqual(len(reply["findings"]), 1)
            self.assertEqual(self.in_force(), reply["after"])

    def test_rollback_is_pinned_until_somebody_loads_the_folder_again(self):
        self.start()
        first = self.in_force()
        self.change("clocks.conf", CLOCK, 'accept = "3wd"')
        second = self.load()["after"]
        self.assertNotEqual(first, second)
        with self.subTest("dry"):
            dry = self.ask("policy", "rollback", "--dry-run", "--reason", "x")
            self.assertEqual((dry["taken"], dry["after"], self.in_force()), (True, first, second))
        with self.subTest("the one before"):
            back = self.act("policy", "rollback", reason="three days are too long")
            self.assertEqual((back["before"], back["after"], back["pinned"]), (second, first, True))
            row = self.ask("policy", "list")["policies"][0]
            self.assertEqual((row["digest"], row["by"], row["why"], row["pinned"], row["kept"]),
                             (first, "tester", "three days are too long", True, True))
            self.assertTrue(self.ask("status")["policy_pinned"])
            self.assertIn("pinned since", self.ctl("status"))
        with self.subTest("through a restart"):
            self.stop()
            self.start()
            self.assertEqual(self.in_force(), first)
            self.assertTrue(self.ask("status")["policy_pinned"])
        with self.subTest("a refused load leaves the pin"):
            self.change("clocks.conf", 'accept = "3wd"', 'accept = "3 weeks"')
            self.load(taken=False)
            self.change("clocks.conf", 'accept = "3 weeks"', 'accept = "3wd"')
            self.assertTrue(self.ask("status")["policy_pinned"])
            self.stop(signal.SIGKILL, code=-signal.SIGKILL)
            self.start()
            self.assertEqual(self.in_force(), first)
        with self.subTest("HUP takes the folder again and says so"):
            since = len(self.log())
            self.daemon.send_signal(signal.SIGHUP)
            self.await_log("event=policy.unpinned", since)
            self.assertEqual(self.in_force(), second)
            self.stop()
            self.start()
            self.assertEqual((self.in_force(), self.ask("status")["policy_pinned"]), (second, False))
        with self.subTest("by some digits"):
            self.assertEqual(self.act("policy", "rollback", first[:8])["after"], first)
            for wrong in (first[:7], "xyz", "0" * 32):
                self.assertEqual(self.ask("policy", "rollback", wrong, "--dry-run", "--reason", "x", code=1)["taken"],
                                 False)
            self.load()
            self.assertEqual((self.in_force(), os.path.exists(self.archive + "/pinned")), (second, False))

    def test_a_kept_policy_that_was_changed_is_not_loaded(self):
        self.start()
        first = self.in_force()
        self.change("clocks.conf", CLOCK, 'accept = "3wd"')
        self.load()
        path = f"{self.archive}/{first}/clocks.conf"
        text = self.read(path)
        self.write(path, text.replace(CLOCK, 'accept = "4wd"'))
        reply = self.act("policy", "rollback", code=1)
        self.assertIn("is another policy", reply["findings"][0]["rule"])
        self.write(path, text)
        self.act("policy", "rollback")
        self.stop()
        self.write(self.archive + "/pinned", "no digest\n")
        code, said = self.check()
        self.assertEqual(code, 78)
        self.assertIn("the file that pins a policy cannot be read", said)

    def test_who_and_why_are_asked_for(self):
        self.start()
        self.ctl("policy", "load", code=64)
        self.ctl("policy", "load", "--execute", code=64)
        self.ctl("policy", "rollback", "--dry-run", "--execute", "--reason", "x", code=64)


if __name__ == "__main__":
    unittest.main()

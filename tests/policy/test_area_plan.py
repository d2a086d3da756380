#!/usr/bin/env python3
"""Areas that end while a real daemon runs: what referralctl says beforehand is what happens, and afterwards it is told.

Run from the project's root with RFL_BIN naming the folder of the programs.
"""
import datetime
import signal
import unittest

from served import Served

HEAD = 'name = "cornwall-isles-of-scilly"; region = "South West"; from = "2022-07-01";'
CODES = 'codes = ( { code = "QT6"; }, { code = "E54000036"; } );'
TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def day(days):
    return (TODAY + datetime.timedelta(days=days)).isoformat()


class Areas(Served):
    def end_cornwall(self, date, was=None):
        self.change("areas.conf", HEAD + (f' until = "{was}";' if was else ""), HEAD + f' until = "{date}";')
        if was is None:
            self.change("areas.conf", CODES, CODES + ' successors = ( { to = "devon"; } );')

    def reload(self):
        since = len(self.log())
        self.daemon.send_signal(signal.SIGHUP)
        return self.await_log("area.moved" if since else "", since)

    def test_the_plan_is_what_happens(self):
        self.end_cornwall(day(2))
        self.start()
        receipts = [self.submit(f"c-{n}", referrer_area="QT6")["receipt"] for n in range(3)]
        before = [self.ask("show", code) for code in receipts]
        self.assertEqual({shown["row"]["queue"] for shown in before}, {"cornwall-isles-of-scilly/intake"})
        self.assertEqual(self.ask("area", "plan", "--at", day(1))["rows"], [])
        plan = self.ask("area", "plan", "--at", day(2))
        self.assertEqual([(row["queue"], row["to"], row["waiting"], row["held"]) for row in plan["rows"]],
                         [("cornwall-isles-of-scilly/intake", "devon/intake", 3, 0)])
        self.assertEqual((plan["waiting"], plan["to_triage"], plan["past"]), (3, 0, False))
        text = self.ctl("area", "plan", "--at", day(2))
        self.assertIn("3 would move = 3 to who follows + 0 to triage", text)
        self.end_cornwall(day(-2), was=day(2))
        self.assertIn("cases=3", self.reload())
        done = self.ask("area", "plan", "--at", day(-2))
        self.assertEqual([(row["queue"], row["to"], row["waiting"]) for row in done["rows"]],
                         [("cornwall-isles-of-scilly/intake", "devon/intake", 3)])
        self.assertTrue(done["past"])
        self.assertEqual(sorted(done["rows"][0]["samples"]), sorted(plan["rows"][0]["samples"]))
        for code, was in zip(receipts, before):
            shown = self.ask("show", code)
            self.assertEqual(shown["row"]["queue"], "devon/intake")
            self.assertEqual(shown["row"]["due_ms"], was["row"]["due_ms"])
            self.assertEqual(shown["timeline"][-1]["event"], "rehomed")
            self.assertIn("area_changed", shown["timeline"][-1]["detail"])
        counters = {c["name"]: c["value"] for c in self.ask("status")["counters"]}
        self.assertEqual((counters["rehomed"], counters["old_codes"]), (3, 0))
        late = self.submit("c-9", referrer_area="QT6")["receipt"]
        self.assertEqual(self.ask("show", late)["row"]["queue"], "devon/intake")
        counters = {c["name"]: c["value"] for c in self.ask("status")["counters"]}
        self.assertEqual(counters["old_codes"], 1)
        self.stop()
        self.ctl("--any-fs", "store", "verify", self.store)

    def test_areas_have_names_codes_and_a_lineage(self):
        at = {date: {area["name"] for area in self.ask("area", "list", self.policy, "--at", date)["areas"]}
              for date in ("2026-03-31", "2026-04-01")}
        self.assertEqual([len(names) for names in at.values()], [42, 36])
        self.assertIn("36 areas", self.ctl("area", "list", self.policy, "--at", "2026-04-01"))
        rows = self.ask("area", "lineage", self.policy, "QNQ")["lineage"]
        self.assertEqual(sorted((row["which"], row["parts"]) for row in rows if row["what"] == "goes to"),
                         [("hampshire-isle-of-wight", "D9Y0V E38000253"), ("surrey-sussex", "92A E38000264"),
                          ("thames-valley", "U2G6B")])
        rows = self.ask("area", "lineage", self.policy, "hampshire-isle-of-wight")["lineage"]
        self.assertEqual([(row["which"], row["from"], row["until"]) for row in rows if row["what"] == "code"],
                         [("E54000042", "2022-07-01", "2026-04-01"), ("E54000067", "2026-04-01", "-"),
                          ("QRL", "2022-07-01", "-")])
        self.assertIn("came from", [row["what"] for row in rows])
        self.ctl("area", "lineage", self.policy, "nowhere", code=66)
        self.ctl("area", "plan", "--at", "soon", code=64)


if __name__ == "__main__":
    unittest.main()

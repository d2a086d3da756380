#!/usr/bin/env python3
"""config/README.md, the guide for those who own the policy, carried out line by line against a real daemon with keys.

    test_guide.py [--write]     from the project's root, with RFL_BIN naming the folder of the programs

What a command prints must be what the guide shows, but for codes, digests, keys, times and widths of columns. With
--write the guide gets what was printed: read it then, a person has to follow it. What it does not show is in comments:

    <!-- do: NAME -->                           something of SCENES below happens
    <!-- edit FILE after|before|instead of: TEXT -->
                                                the next conf block goes there, as a person would with an editor
The guide's year is always the year after this one, so that its May is to come on whatever day this runs.
"""
import datetime
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import canary                                   # noqa: E402

BIN = os.path.abspath(os.environ["RFL_BIN"])
GUIDE = "config/README.md"
GUIDE_YEAR, YEAR = "2027", str(datetime.date.today().year + 1)
DEADLINE_S, EXITS = 30, (0, 1, 64)
CONF = """schema_version = 1;
store_dir = "{0}/store";
store_map = "64MiB";
store_any_fs = true;
policy_dir = "{0}/etc/policy";
server_key = "{0}/etc/server.key";
keys_file = "{0}/etc/keys.conf";
doors = "ipc://{0}/run/doors";
workers = "ipc://{0}/run/workers";
admin = "ipc://{0}/run/admin";
test_people = true;
log_format = "logfmt";
end_of_config = true;
"""
NAMED = re.compile(r"\bW[CW]-\w{4}-\w{4}\b|\b[0-9a-f]{12}\b|\b[a-z-]+(?:/[a-z-]+)+(?:\.conf)?")
# How many, the Jobcentre that sent them ("": none is known), and what it says of them.
PEOPLE = [(9, "EX0010", {"employment": "off_sick", "main_barrier": 3}),
          (5, "EX0010", {"employment": "off_sick", "main_barrier": 12}),
          (6, "EX0010", {"employment": "in_work"}), (4, "EX0010", {"employment": "out_of_work"}),
          (8, "EX0001", {"employment": "off_sick", "main_barrier": 3}), (6, "EX0003", {}), (2, "", {})]


class World:
    """A machine: a daemon, the folder /etc/referrald of its owners, and Nadia, who may read and change the policy."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="rfl-guide.", dir="/tmp")
        self.etc, self.daemon, self.sent, self.dated = self.dir + "/etc", None, 0, None
        for folder in ("run", "etc"):
            os.mkdir(f"{self.dir}/{folder}", 0o700)
        shutil.copytree("config/policy", self.etc + "/policy")
        self.write("referrald.conf", CONF.format(self.dir))
        self.ctl("--any-fs", "init", self.dir + "/store")
        self.ctl("keys", "new", "--server", "--out", "server.key")
        self.key("nadia", "operator:nadia", "read,policy,audit,keys")
        self.key("jobcentre", "source:jobcentre-feed", "jobcentre")
        self.start()

    def write(self, name, text):
        with open(f"{self.etc}/{name}", "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(f"{self.etc}/{name}", encoding="utf-8") as f:
            return f.read()

    def key(self, name, who, rights):
        made = json.loads(self.ctl("keys", "new", name, "--out", name + ".key", "--trust", "server.key", "--json"))
        self.ctl("keys", "allow", name, who, rights, "--public", made["public"], "--owner", "the tests", "--until",
                 f"{int(YEAR) + 1}-01-01", "--reason", "the guide", "--execute")

    def shell(self, line, **env):
        env = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"], TZ="Europe/London", USER="nadia", LC_ALL="C.UTF-8",
                   REFERRALD_KEYS="keys.conf", REFERRALD_ADMIN=f"ipc://{self.dir}/run/admin",
                   REFERRALD_DOORS=f"ipc://{self.dir}/run/doors", WORKERS=f"ipc://{self.dir}/run/workers", **env)
        return subprocess.run(["bash", "-c", line], cwd=self.etc, env=env, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=4 * DEADLINE_S, check=False)

    def ctl(self, *words, **env):
        line = " ".join("'" + word.replace("'", "'\\''") + "'" for word in ("referralctl",) + words)
        done = self.shell(line, **env)
        assert done.returncode == 0, (line, done.stdout)
        return done.stdout

    def start(self):
        with open(self.dir + "/log", "ab") as log:
            self.daemon = subprocess.Popen([BIN + "/referrald", "-c", self.etc + "/referrald.conf"], stderr=log)
        self.ctl("status", "--wait", "--timeout", str(DEADLINE_S), REFERRALD_IDENTITY="nadia.key")

    def remove(self):
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(DEADLINE_S)
        for name in ("one", "wanda"):               # what the Jobcentre wrote; nothing else may name anybody
            if os.path.exists(f"{self.etc}/{name}.json"):
                os.remove(f"{self.etc}/{name}.json")
        canary.leave(self.dir, BIN)
        assert code == 0, code

    # ---- what the guide does not show ----

    def refer(self, office, fields, name=None):
        self.sent += 1
        form = {"door": "jobcentre", "jobcentre": office, "consent": "given", **fields,
                "person": {"name": f"{canary.NAME} {self.sent}", "phone": canary.PHONE}}
        self.write((name or "one") + ".json", json.dumps(form))
        return json.loads(self.ctl("submit", (name or "one") + ".json", "--source", "jobcentre-feed", "--reference",
                                   str(self.sent), "--json", REFERRALD_IDENTITY="jobcentre.key"))["receipt"]

    def winter(self):
        """People come, as they did before anybody thought of a new provider."""
        for count, office, fields in PEOPLE:
            for _ in range(count):
                self.refer(office, fields)

    def wanda(self):
        """Wanda is referred. What the Jobcentre sent is wanda.json."""
        return self.refer(*PEOPLE[0][1:], name="wanda")

    def walter(self):
        return self.refer(*PEOPLE[0][1:])

    def strike_out(self):
        """The rule that was added last is struck out again."""
        text = self.read(RULES)
        short = re.sub(r'\n  \{ name = "wigan-interpreter";.*?\},', "", text, flags=re.S)
        assert short != text
        self.write(RULES, short)

    def dates_out(self):
        """The two dates of Step by Step are taken out of the copy."""
        self.dated = self.read(RULES), self.read(TESTS)
        for date in (f' opens = "{YEAR}-05-04";', f' from = "{YEAR}-05-04";'):
            text = self.read(RULES)
            assert text.count(date) == 1, date
            self.write(RULES, text.replace(date, ""))

    def day_before_out(self):
        """What was expected of the day before is taken out of the copy's tests."""
        text = self.read(TESTS)
        begin = text.index('  { name = "the day before";')
        self.write(TESTS, text[:begin] + text[text.index("},\n", begin) + len("},\n"):])

    def dates_again(self):
        self.write(RULES, self.dated[0])
        self.write(TESTS, self.dated[1])


RULES, TESTS = "next/routes.d/greater-manchester.conf", "next/tests.d/greater-manchester.conf"
SCENES = {"winter": World.winter, "strike out": World.strike_out, "wanda": World.wanda, "walter": World.walter,
          "dates out": World.dates_out, "day before out": World.day_before_out, "dates again": World.dates_again}


class Reading:
    """The guide, carried out from its first line to its last; `text` is the guide with what was printed."""

    def __init__(self, world):
        self.world, self.text, self.edit, self.commands, self.named = world, "", None, 0, 0
        self.receipt = self.key = ""        # of the person who came last; that was made last

    def follow(self, guide):
        for part in re.split(r"(<!-- .*? -->\n|```\w+\n.*?```\n)", guide, flags=re.S):
            if part.startswith("<!-- do: "):
                scene = part[len("<!-- do: "):-len(" -->\n")]
                self.receipt = SCENES[scene](self.world)
            elif part.startswith("<!-- edit "):
                self.edit = re.fullmatch(r"<!-- edit (\S+) (after|before|instead of): (.*) -->\n", part,
                                         re.S).groups()
            elif part.startswith("```conf\n"):
                self.put(part[len("```conf\n"):-len("```\n")])
            elif part.startswith("```console\n"):
                part = "```console\n" + "".join(map(self.type, self.lines(part))) + "```\n"
            self.text += part

    @staticmethod
    def lines(block):
        """The commands of a block: each begins with "$ " and goes on after a backslash."""
        return re.findall(r"^\$ ((?:.*\\\n)*.*)\n", block, re.M)

    def put(self, text):
        """As with an editor: the block goes where the comment before it says."""
        assert self.edit is not None, "a conf block without a comment that says where it goes:\n" + text
        name, how, where = (part.replace(GUIDE_YEAR, YEAR) for part in self.edit)
        self.edit = None
        was = self.world.read(name)
        assert was.count(where) == 1, (name, where, was.count(where))
        text = text.replace(GUIDE_YEAR, YEAR)
        self.world.write(name, was.replace(where, text.rstrip("\n") if how == "instead of"
                                           else where + "\n" + text.rstrip("\n") if how == "after" else text + where))

    def read_as_json(self, typed, done):
        """Whatever queue, case, policy or file the text names, the same command names with --json."""
        if not typed.startswith("referralctl ") or "--execute" in typed or "keys " in typed or "|" in typed:
            return
        again = self.world.shell(typed + " --json 2>/dev/null", REFERRALD_IDENTITY="nadia.key")
        assert again.returncode == done.returncode, (typed, again.stdout)
        value = json.dumps(json.loads(again.stdout))
        for said in NAMED.findall(done.stdout):
            assert said in value, (typed, said, value)
            self.named += 1

    def type(self, line):
        self.commands += 1
        typed = line.replace(GUIDE_YEAR, YEAR)
        typed = re.sub(r"\bWW-[0-9A-Z]{4}-[0-9A-Z]{4}\b", lambda _: self.receipt, typed)
        typed = typed.replace("THE KEY THAT WAS PRINTED", self.key)
        line = re.sub(r"\bWW-[0-9A-Z]{4}-[0-9A-Z]{4}\b", lambda _: self.receipt, line)
        done = self.world.shell(typed, REFERRALD_IDENTITY="nadia.key")
        assert done.returncode in EXITS, (typed, done.stdout)
        self.read_as_json(typed, done)
        said = "".join(row.rstrip() + "\n" for row in done.stdout.splitlines()) + (
            f"(exit {done.returncode})\n" if done.returncode != 0 else "")
        made = re.search(r"^public  (\S{40})$", said, re.M)
        if made:
            self.key = made.group(1)
        said = said.replace(YEAR, GUIDE_YEAR)
        return f"$ {line}\n" + said.replace(self.world.dir + "/etc", "/etc/referrald").replace(
            self.world.dir, "/var/lib/referrald")


def plain(text):
    """What must be the same: no times, no widths; codes, digests and keys by the order in which they appear."""
    seen = {}
    text = re.sub(r"\d\d [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d \((?:in )?\d+ (?:s|min|h|d)(?: ago)?\)", "TIME", text)
    text = re.sub(r"\bW[CW]-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b",
                  lambda m: seen.setdefault(m.group(), f"CODE {len(seen) + 1}"), text)
    text = re.sub(r"in \d+\.\d ms", "in N ms", re.sub(r"(?m)(^public  |--public ')\S{40}('| |$)", "KEY", text))
    text = re.sub(r"\d+ times, \d+ kinds of people", "N times, N kinds of people", text)     # fewer, later on
    return re.sub(r"[ ─]{2,}", "  ", text).rstrip().split("\n")


def followed():
    with open(GUIDE, encoding="utf-8") as f:
        guide = f.read()
    world = World()
    try:
        reading = Reading(world)
        reading.follow(guide)
        return guide, reading
    finally:
        world.remove()


class GuideTest(unittest.TestCase):
    maxDiff = None

    def test_what_the_guide_says_is_what_happens(self):
        guide, reading = followed()
        self.assertEqual("\n".join(difflib.unified_diff(plain(guide), plain(reading.text), "the guide", "now")), "")
        self.assertGreaterEqual(reading.commands, 20)
        self.assertGreaterEqual(reading.named, 40)
        self.assertIsNone(reading.edit)


if __name__ == "__main__":
    if "--write" in sys.argv:
        _, done = followed()
        with open(GUIDE, "w", encoding="utf-8") as out:
            out.write(done.text)
    else:
        unittest.main()

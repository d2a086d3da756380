#!/usr/bin/env python3
"""Each rule of disclosure.py finds a tree with exactly one fault, and none in one without."""
import tempfile
import unittest

import disclosure
from test_tidy import plant

with open("daemon/log.h", encoding="utf-8") as f:
    LOG_H = f.read()
CLEAN = {
    "daemon/log.h": LOG_H,
    "daemon/daemon.c": 'void f(void)\n{\n    LOG(l, ERROR, "a.b", F_U64("n", 1),\n        F_OURS("why", why));\n}\n',
    "tests/e2e/test_x.c": "    len = rfl_wire_encode_form(&form, bytes, cap);     /* CANARY_NAME */\n",
    "tests/e2e/test_y.py": 'body = pb.Referral(door=1)\ncanary.fill(body.person)\ncanary.leave(folder, BIN)\n',
}
LOG_FAULTS = (
    ("daemon/log.h", LOG_H.replace("#define F_I64", "#define F_TEXT(k, x) 0\n#define F_I64")),
    ("daemon/log.h", LOG_H.replace('{ .lit = "" x }', "{ .lit = x }", 1)),
    ("daemon/log.h", LOG_H.replace("LF_HASH, LF_KEY", "LF_HASH, LF_TEXT, LF_KEY")),
    ("daemon/log.h", LOG_H.replace("uint64_t u;", "struct rfl_view view;")),
    ("daemon/loop.c", 'LOG(l, NOTE, "said", F_OURS("name", (const char *)ask.form.name.p));\n'),
    ("daemon/daemon.c", 'LOG(l, NOTE, "said", F_OURS("name", name));\n'),
    ("daemon/loop.c", 'LOG(l, NOTE, "said", F_LIT("name", name));\n'),
    ("daemon/loop.c", 'log_event(l, LOG_LEVEL_NOTE, "said", fields, 1);\n'),
    ("daemon/loop.c", 'struct log_field field;\n'),
    ("daemon/bus.c", 'fprintf(out, "%s", name);\n'),
    ("daemon/bus.c", 'write(STDERR_FILENO, name, len);\n'),
)
PLANTED_FAULTS = (
    ("tests/e2e/test_x.c", "len = rfl_wire_encode_form(&form, bytes, cap);\n"),
    ("tests/e2e/test_y.py", "body = pb.Referral(door=1)\n"),
    ("tests/e2e/test_y.py", 'form = {"door": "gp", "person": {"name": "A"}}\n'),
    ("tests/e2e/test_y.py", "folder = tempfile.mkdtemp()\nctl('init', folder + '/store')\nshutil.rmtree(folder)\n"),
    ("tests/e2e/test_x.c", "mkdtemp(dir);\nrfl_store_init(dir, 0);\nnftw(dir, remove_one, 16, FTW_DEPTH);\n"),
)


class DisclosureTest(unittest.TestCase):
    def found(self, check, files):
        with tempfile.TemporaryDirectory() as root:
            plant(root, files)
            return list(disclosure.CHECKS[check](root))

    def test_a_clean_tree_has_no_finding(self):
        for check in disclosure.CHECKS:
            self.assertEqual(self.found(check, CLEAN), [], check)

    def test_each_fault_is_found_once(self):
        for check, faults in (("log", LOG_FAULTS), ("planted", PLANTED_FAULTS)):
            for path, text in faults:
                with self.subTest(check=check, path=path, text=text[:50]):
                    self.assertNotEqual(text, CLEAN.get(path))
                    self.assertEqual([f.split(":")[0] for f in self.found(check, {**CLEAN, path: text})], [path])


if __name__ == "__main__":
    unittest.main()

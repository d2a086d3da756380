#!/usr/bin/env python3
"""Each check of tidy.py finds the one fault it is shown, at its line, and nothing in a tree without faults."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

CLEAN = {
    "lib/core/rfl_a.h": "#ifndef A\n#define A\nint rfl_a(void);\n#endif\n",
    "lib/core/rfl_a.c": '#include "rfl_a.h"\n\n/* time(NULL) in a comment, "atoi(x)" in a string: no calls. */\n'
                        'int rfl_a(void)\n{\n    return sizeof "strcpy(a, b)" > 1;\n}\n',
    "lib/store/rfl_s.h": "int rfl_s(void);\n",
    "lib/store/rfl_s.c": '#include "rfl_s.h"\n#include "rfl_a.h"\nint rfl_s(void)\n{\n    return mdb_get(0);\n}\n',
    "README.md": "# One\n\n[a heading](#one) and [a file](lib/core/rfl_a.c) and [the web](https://example.org/x)\n",
}
LONG = "int rfl_long(void)\n{\n" + "    ;\n" * 69 + "}\n"
# (check, path, text, the line the finding must name)
FAULTS = (
    ("includes", "lib/core/rfl_b.c", '#include "rfl_a.h"\n#include "rfl_s.h"\n', 2),
    ("includes", "lib/store/rfl_b.c", '#include "../core/rfl_a.h"\n', 1),
    ("sizes", "lib/core/rfl_b.c", "int x;\n/* " + "x" * 118 + " */\n", 2),
    ("sizes", "lib/core/rfl_b.c", "\tint x;\n", 1),
    ("sizes", "lib/core/rfl_b.c", LONG, 2),
    ("sizes", "lib/core/rfl_b.c", "int x;\n" * 1001, 1),
    ("calls", "lib/core/rfl_b.c", "\n\nstrcpy(a, b);\n", 3),
    ("calls", "tools/b.c", "x = sprintf (a, b);\n", 1),
    ("calls", "tools/b.c", "x = atoi(a);\n", 1),
    ("calls", "tests/b.c", "\nusleep(100);\n", 2),
    ("calls", "tests/b.c", "srand(1);\n", 1),
    ("calls", "daemon/loop.c", "x = time(NULL);\n", 1),
    ("calls", "daemon/loop.c", "clock_gettime(CLOCK_REALTIME, &ts);\n", 1),
    ("calls", "lib/engine/rfl_b.c", "mdb_put(t);\n", 1),
    ("calls", "daemon/loop.c", "zmq_send(s);\n", 1),
    ("calls", "daemon/loop.c", "Referrald__V1__Envelope e;\n", 1),
    ("calls", "lib/client/b.c", "protobuf_c_message_pack(m);\n", 1),
    ("calls", "lib/conf/rfl_b.c", 'getenv("X");\n', 1),
    ("leftovers", "lib/core/rfl_b.c", "\n/* " + tidy.MARKERS[0] + ": later */\n", 2),
    ("leftovers", "tools/b.py", "path = '" + tidy.MACHINE_PATHS[0] + "main'\n", 1),
    ("leftovers", "tests/b.c", tidy.LEFT_BEHIND[1] + ";\n", 1),
    ("spelling", "README.md", "# One\n\nIts " + list(tidy.AMERICAN)[0] + " is good.\n", 3),
    ("links", "README.md", "# One\n[gone](lib/gone.c)\n", 2),
    ("links", "README.md", "# One\n[gone](#two)\n", 2),
)


def plant(root, files):
    for path, text in files.items():
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(text)


class Tidy(unittest.TestCase):
    def test_clean_tree_has_no_finding(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, CLEAN)
            for name in tidy.CHECKS:
                if name != "compiled":
                    self.assertEqual(list(tidy.CHECKS[name](root)), [], name)

    def test_each_fault_is_found_once_and_by_its_own_check_only(self):
        for check, path, text, line in FAULTS:
            with self.subTest(check=check, path=path, text=text[:40]), tempfile.TemporaryDirectory() as root:
                plant(root, {**CLEAN, path: text})
                found = {name: list(tidy.CHECKS[name](root)) for name in tidy.CHECKS if name != "compiled"}
                self.assertEqual([f.split(": ")[0] for f in found.pop(check)], [f"{path}:{line}"])
                self.assertEqual([f for rest in found.values() for f in rest], [])

    def test_a_file_no_target_compiles_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, CLEAN)
            database = os.path.join(root, "db.json")
            built = [{"directory": root, "file": "lib/core/rfl_a.c"}]
            with open(database, "w", encoding="utf-8") as f:
                json.dump(built, f)
            found = list(tidy.check_compiled(root, database))
            self.assertEqual([f.split(":")[0] for f in found], ["lib/store/rfl_s.c"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Nobody is named where nobody may be, by construction: tests/guard/disclosure.py CHECK, from the project's root.

log      daemon/log.h has no way to log a text that came from outside, and nobody goes round it: fields are made by its
         macros only, their kinds are the known ones, and F_OURS, the one that takes a pointer, is used where somebody
         looked where it leads (the list below). Nothing but log.c, usage and findings of
         configuration writes to the standard streams of the daemon.
planted  whoever sends a referral in a test plants canaries; whoever removes a folder with a store searches it.

Every finding is one line. Exit 1 when there is one. test_disclosure.py shows each rule a tree with one fault.
"""
import os
import re
import sys

import tidy

# The makers of fields, and what each may be given. A new one is added here by somebody who has asked what it can carry.
MAKERS = {"F_U64", "F_I64", "F_ID", "F_LIT", "F_ERR", "F_ERRNO", "F_HASH", "F_KEY", "F_FINDING", "F_OURS",
          "F_HASH32", "F_SIGNATURE"}              # arrays of 32 and 64 bytes by their type, in hexadecimal
KINDS = {"LF_U64", "LF_I64", "LF_ID", "LF_LIT", "LF_ERR", "LF_ERRNO", "LF_HASH", "LF_KEY", "LF_FINDING", "LF_OURS",
         "LF_HEX"}
LITERAL_ONLY = ("F_LIT", '"" x')                # the string literal before it is what the compiler insists on
# (file, text): none of these pointers can lead into a message, for the reason given.
OURS = {
    ("daemon/daemon.c", "why"): "rfl_store_open's why",
    ("daemon/daemon.c", "socket_names[socket]"): "a table of three names on the lines above",
    ("daemon/keyring.c", "entry->name"): "a key's name in our own keys.conf: plain letters, of a system and no person",
    ("daemon/keyring.c", "entry->fingerprint"): "made by us from a public key",
    ("daemon/loop.c", "refusal[i].why"): "zap.c gives literals",
    ("daemon/loop.c", "refusal[i].fingerprint"): "made by us from a public key",
    ("daemon/loop.c", "struck[i].why"): "quota.c gives literals",
    ("daemon/loop.c", "struck[i].fingerprint"): "made by us from a public key",
    ("daemon/loop.c", "refusal[i].address"): "of a connection, not of a message; zap.c keeps digits and colons only",
    ("daemon/main.c", "why"): "sandbox_become's why",
}
# Who may write to a stream: their texts are literals, options of our own files, and findings without values.
PRINTERS = {"daemon/main.c", "daemon/log.c", "daemon/signals.c"}
PRINTS = re.compile(r"\b(printf|fprintf|puts|fputs|putchar|fputc|fwrite|dprintf|perror|vfprintf|vprintf|syslog|"
                    r"sd_journal_\w+|err|errx|warn|warnx)\s*\(")
STREAMS = re.compile(r"\b(stderr|stdout|STDERR_FILENO|STDOUT_FILENO)\b")


def daemon_files(root):
    return [p for p in tidy.c_files(root) if p.startswith("daemon/")]


def uncommented(text):
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def arguments_of(text, at):
    """The arguments of the call whose opening bracket is at `at`, at the top level."""
    depth, found, quoted, part = 0, [], False, ""
    for i in range(at, len(text)):
        c = text[i]
        if c == '"' and text[i - 1] != "\\":
            quoted = not quoted
        if not quoted and c in "([{":
            depth += 1
            if depth == 1:
                continue
        if not quoted and c in ")]}":
            depth -= 1
            if depth == 0:
                return found + [part.strip()]
        if not quoted and c == "," and depth == 1:
            found, part = found + [part.strip()], ""
        else:
            part += c
    return found


def check_header(root):
    text = uncommented(tidy.read(root, "daemon/log.h"))
    makers = {m.group(1): m.group(0) for m in re.finditer(r"#define (F_\w+)\(.*?\n", text)}
    for name in sorted(set(makers) - MAKERS):
        yield f"daemon/log.h: {name} makes a field nobody has judged; if it can carry what somebody sent, leave it out"
    maker, only = LITERAL_ONLY
    if only not in makers.get(maker, ""):
        yield f"daemon/log.h: {maker} takes more than literals; keep the empty literal before its argument"
    for kind in sorted(set(re.findall(r"\bLF_\w+", text)) - KINDS):
        yield f"daemon/log.h: {kind} is a kind of field nobody has judged"
    if "rfl_view" in text:
        yield "daemon/log.h: a view is what a message is made of; no field may be one"


def check_log(root):
    yield from check_header(root)
    for path in daemon_files(root):
        text = uncommented(tidy.read(root, path))
        line_of = lambda at: text.count("\n", 0, at) + 1        # noqa: E731
        if path not in ("daemon/log.h", "daemon/log.c"):
            for match in re.finditer(r"\bstruct log_field\b|\bLF_\w+|\blog_event\s*\(|\blog_render\s*\(", text):
                yield f"{path}:{line_of(match.start())}: a field or line made by hand; use LOG and the makers of log.h"
        for match in re.finditer(r"\bF_OURS\s*\(", text):
            given = arguments_of(text, match.end() - 1)
            if path != "daemon/log.h" and (path, given[-1]) not in OURS:
                yield (f"{path}:{line_of(match.start())}: F_OURS of {given[-1]}: show that it leads into no message "
                       "and add it to the list of tests/guard/disclosure.py, or log a code instead")
        for match in re.finditer(r"\bF_LIT\s*\(", text):
            given = arguments_of(text, match.end() - 1)
            if path != "daemon/log.h" and not given[-1].startswith('"'):
                yield f"{path}:{line_of(match.start())}: F_LIT takes a literal"
        if path not in PRINTERS:
            for match in list(PRINTS.finditer(text)) + list(STREAMS.finditer(text)):
                yield f"{path}:{line_of(match.start())}: {match.group(1)} goes round the log; use LOG"


SENDS = re.compile(r'rfl_wire_encode_form\(|pb\.Referral\(|"person": \{')
# The referral of test_python_client.py carries them.
PLANTS = re.compile(r"\bCANARY_\w+|\bcanary\.\w+|from test_python_client import .*\breferral\b")
# A folder of its own with a store in it.
MAKES = re.compile(r'mkdtemp\((?=.*(rfl_store_init|"init"|/store))', re.S)
REMOVES = re.compile(r"\bnftw\s*\([^;]*remove|\bshutil\.rmtree\(")
SEARCHES = re.compile(r"\bcanary_search\s*\(|\bcanary\.(leave|search)\(")
# Not searched, each with its reason. Folders end with a slash.
EXEMPT = {
    "tests/fuzz/": "no store and no log: bytes in, verdict out", "tests/unit/": "no process, nothing logged or printed",
    "tests/bench/": "the same daemon and the same messages, for hours", "tests/guard/": "sends nothing",
    "tests/security/test_governance.py": "told in a document; the export that it makes holds the person",
    "tests/security/canary.c": "the search", "tests/canary.py": "the search",
}


def check_planted(root):
    for path in tidy.tracked_files(root):
        if not path.startswith("tests/") or not path.endswith((".c", ".py")) \
                or any(path == e or (e.endswith("/") and path.startswith(e)) for e in EXEMPT):
            continue
        text = tidy.read(root, path)
        if SENDS.search(text) and not PLANTS.search(text):
            yield f"{path}:1: sends a referral without a canary; plant some of tests/canaries.h in it"
        if MAKES.search(text) and REMOVES.search(text) and not SEARCHES.search(text):
            yield f"{path}:1: removes a folder that nobody searched; call canary_search or canary.leave first"
    people = os.path.join(root, "tools/demo_people.c")
    if os.path.exists(people):
        header, text = tidy.read(root, "tests/canaries.h"), tidy.read(root, "tools/demo_people.c")
        for kind, value in re.findall(r'^#define CANARY_(NAME|STREET|WORDS) "(.*)"$', header, re.M):
            if value not in text:
                yield f"tools/demo_people.c:1: the demonstration's people do not carry the canary {kind}"


CHECKS = {"log": check_log, "planted": check_planted}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in CHECKS:
        print("usage: disclosure.py " + "|".join(CHECKS), file=sys.stderr)
        return 64
    findings = list(CHECKS[sys.argv[1]]("."))
    print("\n".join(findings) if findings else "nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

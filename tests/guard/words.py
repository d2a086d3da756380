#!/usr/bin/env python3
"""One word, one meaning: the closed lists in the headers, the protocol and the documents say the same.

1. Every list that is also an enum of proto/referral.proto has the same names with the same numbers.
2. Every refusal code, status, message and finding of the protocol stands in proto/README.md, every event with its
   number in lib/store/FORMAT.md.
3. The other way round: a word in code type that begins a table row of these documents is one the program knows.
"""
import os
import re
import sys

HEADERS = ("lib/core/rfl_base.h", "lib/core/rfl_words.h", "lib/core/rfl_message.h", "lib/core/rfl_event.h",
           "lib/core/rfl_route.h", "lib/core/rfl_policy.h")
DEFINE = re.compile(r"#define RFL_(\w+)_LIST\(X\)((?:[^\n]*\\\n)*[^\n]*)")
ITEM = re.compile(r"\bX\((\w+)(?:,\s*([^,)]+))?")
ENUM = re.compile(r"^enum (\w+) \{(.*?)\}", re.M | re.S)
# list in the headers -> (enum of the protocol, its prefix, first name of the list that has number 0)
PROTO_ENUMS = {"DOOR": ("Door", "DOOR_"), "BAND": ("Band", "BAND_"), "CONSENT": ("Consent", "CONSENT_"),
               "EMPLOYMENT": ("Employment", "EMPLOYMENT_"), "STATUS": ("Status", "STATUS_"),
               "DECLINE": ("DeclineReason", "DECLINE_"), "CLOSE": ("CloseReason", "CLOSE_"),
               "CHANNEL": ("Channel", "CHANNEL_"), "OUTCOME": ("OutcomeKind", "OUTCOME_"), "CODE": ("Code", "CODE_")}


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def header_lists(root):
    """{list: [(name, number, word)]}; a list without numbers counts from 0."""
    lists = {}
    for path in HEADERS:
        for list_name, body in DEFINE.findall(read(os.path.join(root, path))):
            rows = []
            for index, (name, second) in enumerate(ITEM.findall(body)):
                number = int(second) if second.strip().isdigit() else index
                rows.append((name, number, second.strip().strip('"')))
            lists[list_name] = rows
    return lists


def proto_enums(text):
    text = re.sub(r"//[^\n]*", "", text)
    return {name: {k: int(v) for k, v in re.findall(r"(\w+)\s*=\s*(\d+)", body)} for name, body in ENUM.findall(text)}


def check_enums(lists, enums):
    for list_name, (enum_name, prefix) in PROTO_ENUMS.items():
        ours = {prefix + name: number for name, number, _ in lists[list_name]}
        theirs = enums.get(enum_name, {})
        for name in sorted(set(ours) | set(theirs)):
            if ours.get(name) != theirs.get(name):
                yield f"{name}: {ours.get(name)} in the headers, {theirs.get(name)} in proto/referral.proto"


def missing(document, text, words, what):
    for word in words:
        if not re.search(r"(?<![\w])" + re.escape(word) + r"(?![\w])", text):
            yield f"{document}: does not say what the {what} {word} means"


def unknown(document, text, known):
    for row in re.findall(r"^\|\s*`([A-Za-z_][\w]*)`\s*\|", text, re.M):
        if row not in known:
            yield f"{document}: explains {row}, which the program does not know"


def known_words(lists, proto, findings):
    known = set(findings)
    for rows in lists.values():
        for name, _, word in rows:
            known |= {name, word}
    return known | set(re.findall(r"\b\w+\b", re.sub(r"//[^\n]*", "", proto)))


def finding_codes(root):
    """Finding codes are literals "V-nnn" in lib/wire, where they are made."""
    codes = set()
    folder = os.path.join(root, "lib/wire")
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")):
            codes |= set(re.findall(r'"(V-\d+)"', read(os.path.join(folder, name))))
    return codes


def findings(root):
    lists = header_lists(root)
    proto = read(os.path.join(root, "proto/referral.proto"))
    yield from check_enums(lists, proto_enums(proto))
    codes = finding_codes(root)
    known = known_words(lists, proto, codes)
    spec = "proto/README.md"
    text = read(os.path.join(root, spec)) if os.path.exists(os.path.join(root, spec)) else ""
    yield from missing(spec, text, [n for n, _, _ in lists["CODE"] if n != "OK"], "code")
    yield from missing(spec, text, [w for n, _, w in lists["STATUS"] if n != "NONE"], "status")
    yield from missing(spec, text, sorted(codes), "finding")
    asked_or_answered = re.findall(r"\b([A-Z]\w+) \w+ = \d+;", proto[proto.index("oneof body"):])
    yield from missing(spec, text, asked_or_answered, "message")
    yield from unknown(spec, text, known)
    for code in sorted(set(re.findall(r"\bV-\d+\b", text)) - codes):
        yield f"{spec}: explains {code}, which the program never says"
    form = "lib/store/FORMAT.md"
    text = read(os.path.join(root, form)) if os.path.exists(os.path.join(root, form)) else ""
    stored = {word: int(number) for word, number in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}
    for name, number, word in lists["EVENT"]:
        if name != "NONE" and stored.get(word) != number:
            yield f"{form}: the event {word} has number {number} in the program, {stored.get(word)} here"
    fields = re.findall(r"\b(\w+)\s*[;,\[]", "".join(read(os.path.join(root, p)) for p in
                        ("lib/core/rfl_event.h", "lib/core/rfl_case.h", "lib/core/rfl_facts.h",
                         "lib/core/rfl_route.h")))
    tables = re.findall(r'"(\w+)"', "".join(read(os.path.join(root, "lib/store", p))
                        for p in sorted(os.listdir(os.path.join(root, "lib/store"))) if p.endswith((".c", ".h"))))
    yield from unknown(form, text, known | set(fields) | set(tables))


def main():
    found = list(findings(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(found) if found else "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

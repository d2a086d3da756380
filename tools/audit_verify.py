#!/usr/bin/python3
"""Checks a log that `referralctl audit export` wrote, from lib/store/FORMAT.md alone: no daemon, store or shared code.

    audit_verify.py FILE [HEAD.json ...]     FILE: the export. HEAD.json: receipts or heads that were kept elsewhere.

Exit 0: every entry is there and unchanged, the last one is signed, every kept head lies on the chain. Exit 1: not; the
line names the first entry that is wrong. Exit 64, 66: wrong use, unreadable file. Needs python3-nacl or
python3-cryptography.
"""
import base64
import binascii
import hashlib
import json
import struct
import sys

try:
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    def is_signed(key, message, signature):
        """Ed25519 by PyNaCl."""
        try:
            VerifyKey(key).verify(message, signature)
            return True
        except (CryptoError, ValueError):
            return False
except ImportError:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def is_signed(key, message, signature):
        """Ed25519 by cryptography."""
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            return True
        except (InvalidSignature, ValueError):
            return False

FORMAT = "referrald-audit-1"
ENTRY = struct.Struct("<BBBBQ32s")              # version, flags, actor, events, sequence, hash of the entry before
ENTRY_BYTES_MIN = 78                            # up to the length of the actor's name
HEAD = struct.Struct("<16s16sIQq32s")           # what is signed: name, store id, epoch, sequence, time, hash
HEAD_NAME = b"rfl-log-head-v1"
SIZES = {"store_id": 16, "hash": 32, "signature": 64, "public_key": 32}


class Bad(Exception):
    """What is wrong: the first entry that is, and why. Entry 0: the file as a whole."""

    def __init__(self, entry, why):
        super().__init__(f"entry {entry} {why}" if entry else why)
        self.entry = entry


class Head:
    """A signed head, from a receipt, an `audit head` or the last line of an export."""

    def __init__(self, line):
        head = line.get("head", line)
        try:
            raw = {name: bytes.fromhex(head[name]) for name in SIZES}
            self.sequence, self.hash = head["sequence"], raw["hash"]
            self.store = (raw["store_id"], raw["public_key"])
            message = HEAD.pack(HEAD_NAME, raw["store_id"], head["epoch"], self.sequence, head["at_ms"], self.hash)
        except (AttributeError, KeyError, TypeError, ValueError, struct.error):
            raise ValueError("there is no readable head in it") from None
        if any(len(raw[name]) != size for name, size in SIZES.items()) or self.sequence < 1:
            raise ValueError("there is no readable head in it")
        self.is_true = is_signed(raw["public_key"], message, raw["signature"])


class Chain:
    """The export, line by line."""

    def __init__(self):
        self.store, self.hashes, self.head = None, [], None

    def take(self, line):
        if not isinstance(line, dict):
            raise Bad(len(self.hashes) + 1 if self.store else 0, "is on a line that is no JSON object")
        if self.store is None:
            self.take_header(line)
        elif self.head is not None:
            raise Bad(len(self.hashes), "and its head are followed by something else")
        elif "head" in line:
            self.take_head(line)
        else:
            self.take_entry(line)

    def take_header(self, line):
        try:
            self.store = bytes.fromhex(line["store_id"]), bytes.fromhex(line["public_key"])
        except (KeyError, TypeError, ValueError):
            raise Bad(0, "the first line has no store_id and public_key") from None
        if line.get("format") != FORMAT or (len(self.store[0]), len(self.store[1])) != (16, 32):
            raise Bad(0, f"the first line does not say that this is an export, format {FORMAT}")

    def take_entry(self, line):
        due = len(self.hashes) + 1
        try:
            entry = base64.b64decode(line["bytes"], validate=True)
            sequence, before = ENTRY.unpack_from(entry)[4:]
        except (KeyError, TypeError, ValueError, binascii.Error, struct.error):
            raise Bad(due, "is not the bytes of an entry in base64") from None
        if len(entry) < ENTRY_BYTES_MIN:
            raise Bad(due, "is too short for an entry")
        if sequence != due or line.get("seq") != due:
            raise Bad(due, "is missing, or stands in another place")
        if before != (self.hashes[-1] if self.hashes else bytes(32)):
            raise Bad(max(due - 1, 1), "is not the entry that the next one was chained to: one was changed")
        self.hashes.append(hashlib.blake2b(entry, digest_size=32).digest())

    def take_head(self, line):
        try:
            self.head = Head(line)
        except ValueError as why:
            raise Bad(len(self.hashes), f"is followed by a bad head: {why}") from None
        if self.head.sequence < len(self.hashes):
            raise Bad(self.head.sequence + 1, "is not covered by the signed head")
        if self.head.sequence > len(self.hashes):
            raise Bad(len(self.hashes) + 1, "is missing, with all that follow up to the signed head")
        why = self.judge(self.head)
        if why is not None:
            raise Bad(len(self.hashes), f"does not fit its head: {why}")

    def judge(self, head):
        """None, or what is wrong with a head that claims to be of this log."""
        if not head.is_true:
            return "its signature is not true"
        if head.store != self.store:
            return "it is of another store, or signed by another key"
        if head.sequence > len(self.hashes):
            return "the export ends before its entry"
        if head.hash != self.hashes[head.sequence - 1]:
            return "the entry that it was signed over is another one here"
        return None


def read(lines):
    """The chain of an export; Bad when it is none."""
    chain = Chain()
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        chain.take(line)
    if chain.head is None:
        raise Bad(len(chain.hashes) + 1, "or the signed head is missing: the end of the file was cut off")
    return chain


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 64
    try:
        with open(arguments[0], encoding="utf-8", errors="replace") as file:
            chain = read(file)
        for path in arguments[1:]:
            with open(path, encoding="utf-8") as file:
                why = chain.judge(Head(json.load(file)))
            if why is not None:
                print(f"BAD  the head of {path}: {why}")
                return 1
    except OSError as why:
        print(f"audit_verify.py: {why.strerror}", file=sys.stderr)
        return 66
    except Bad as why:
        print(f"BAD  {why}")
        return 1
    except ValueError as why:
        print(f"BAD  the head of {path}: {why}")
        return 1
    print(f"GOOD {len(chain.hashes)} entries; {len(arguments) - 1} kept heads lie on the chain")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

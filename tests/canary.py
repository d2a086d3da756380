"""The canaries of tests/canaries.h for Python tests, and the search for them where a test ends."""
import os
import re
import shutil
import subprocess

_HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "canaries.h")
with open(_HEADER, encoding="utf-8") as _f:
    ALL = dict(re.findall(r'^#define CANARY_(\w+) "(.*)"$', _f.read(), re.M))
NAME, STREET, PHONE, EMAIL, WORDS = (ALL[key] for key in ("NAME", "STREET", "PHONE", "EMAIL", "WORDS"))
NHS_NUMBER, NINO, POSTCODE, BIRTH = (ALL[key] for key in ("NHS_NUMBER", "NINO", "POSTCODE", "BIRTH"))
NOTES = ", ".join((WORDS, NHS_NUMBER, NINO, POSTCODE, BIRTH, EMAIL))    # as CANARY_NOTES


class Disclosed(AssertionError):
    """A canary was where nobody may be named."""


def search(place, build):
    """Searches a file, or everything below a folder, with the program of a build; Disclosed when there is a canary."""
    done = subprocess.run([os.path.join(build, "canaries"), place], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Disclosed(done.stderr)


def leave(folder, build):
    """What a test calls instead of removing its folder: searched, then removed. It stays when something was found."""
    search(folder, build)
    shutil.rmtree(folder)


def fill(person, name="Zeb"):
    """Fills a Person of the protocol: what tells people apart is the test's, and is in the notes alone."""
    person.name, person.phone, person.email = f"{name} {NAME}", PHONE, EMAIL
    person.address, person.contact_notes = STREET, NOTES
    sent = person.SerializeToString()
    missing = [kind for kind, value in ALL.items() if value.encode() not in sent]
    if missing:
        raise AssertionError(f"a common form does not carry {missing}")

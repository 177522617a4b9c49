"""Every hostile mail is settled within two seconds of CPU and 300 MB, or says which limit it broke."""

import json
import subprocess
import sys

import pytest

from tests.normalize.hostile import HOSTILE

SECONDS, MEGABYTES = 2.0, 300
TRIED_ALWAYS = (
    "a million parts", "a hundred thousand levels", "a million headers", "addresses without commas",
    "a head without colons", "blanks in References", "attributes", "blanks in pre", "lines of a longer boundary",
    "packed rich text",
)  # fmt: skip
CHILD = """
import json, resource, sys, time
from tests.normalize.hostile import HOSTILE
from tests.normalize.letters import letter, read
read(letter("<p>warm</p> é", "Content-Type: text/html"))
for name in sys.argv[1:]:
    mail = HOSTILE[name]()
    mail = mail.encode() if isinstance(mail, str) else mail
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    message = read(mail)
    size = len(message.to_json())
    print(json.dumps({
        "name": name, "seconds": time.process_time() - began,
        "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "bytes": size, "warnings": message.warnings,
    }))
"""


def settled(*names: str) -> None:
    """In a process of their own, so that its memory says what they took."""
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *names], capture_output=True, text=True, timeout=240, check=True
    )
    costs = [json.loads(line) for line in child.stdout.splitlines()]
    assert [cost["name"] for cost in costs] == list(names)
    for cost in costs:
        assert cost["seconds"] < SECONDS, cost
        assert cost["megabytes"] < MEGABYTES, cost
        assert cost["bytes"] < 1024 * 1024, "more than a record may hold"
        assert "unparseable" not in cost["warnings"]


def test_settled_within_bounds() -> None:
    settled(*TRIED_ALWAYS)


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_every_one_is_settled_within_bounds(name: str) -> None:
    settled(name)

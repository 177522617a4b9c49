"""Every warning that the code can give is explained in docs/warnings.md, and nothing else is."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(
    r'f?"((?:charset|transfer|structure|html|tnef|date|message_id|from|limit|text|attachment|size):[a-z0-9_{}()\[\].-]+[^"\n]*)"|"(unparseable)"'
)


def test_warnings_are_documented() -> None:
    given = set()
    for path in (ROOT / "normalize").rglob("*.py"):
        for match in NAME.finditer(path.read_text("utf-8")):
            given.add(re.sub(r":?\{.*", "", match[1] or match[2]))
    documented = set(
        re.findall(r"`([a-z_]+(?::[a-z0-9_-]+)?)(?::<label>)?`[,|\s]", (ROOT / "docs/warnings.md").read_text("utf-8"))
    )
    limits = {each for each in documented if each.startswith("limit:")}
    assert given - {"limit"} <= documented
    assert limits == {f"limit:{each}" for each in ("bytes", "header_bytes", "headers", "parts", "depth", "boundaries")}
    assert documented - limits - {"warnings", "sent_at", "source_id", "html", "sha256:"} <= given

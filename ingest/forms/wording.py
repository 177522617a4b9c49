"""What a form, or a chat's window, says in each of our languages."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from ingest.forms.languages import LANGUAGES

Words = Mapping[str, Any]
"""Sentences by name; `errors` holds those about fields, by their code."""


@cache
def wording(language: str, of: str = "ingest.forms.words") -> Words:
    """The words of one of our languages. `of`: the package that holds a file for each."""
    assert language in LANGUAGES
    text = resources.files(of).joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def size(count: int) -> str:
    """Bytes as people write them: `10 MB`, `512 KB`."""
    for unit, name in ((1024 * 1024, "MB"), (1024, "KB")):
        if count >= unit:
            return f"{count / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{count} B"

"""The texts of confirmations: one TOML file per language, read and checked once.

Placeholders are those of `string.Template` and nothing more: `$number`, `$desk`, and in the greeting `$name`.
"""

import html
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bus.errors import ConfigError

LANGUAGES = ("en", "fr", "nl", "pt", "ja")

_ALLOWED = {
    "subject": {"number"},
    "greeting": set[str](),
    "greeting_name": {"name"},
    "body": {"number"},
    "signature": {"desk"},
}
_NEEDED = {"subject": {"number"}, "greeting_name": {"name"}, "body": {"number"}, "signature": {"desk"}}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. `greeting_name` is for people whose name may be repeated to them; `body`: paragraphs."""

    language: str
    subject: string.Template
    greeting: string.Template
    greeting_name: string.Template
    body: tuple[string.Template, ...]
    signature: string.Template

    def render(self, number: int, desk: str, name: str | None) -> tuple[str, str, str]:
        """Subject, text and HTML."""
        values = {"number": str(number), "desk": desk, "name": name or ""}
        greeting = self.greeting_name if name else self.greeting
        blocks = (greeting, *self.body, self.signature)
        text = "\n\n".join(block.substitute(values) for block in blocks) + "\n"
        escaped = {key: html.escape(value) for key, value in values.items()}
        paragraphs = "\n".join(
            f"<p>{string.Template(html.escape(block.template, quote=False)).substitute(escaped)}</p>".replace(
                "\n", "<br>\n"
            )
            for block in blocks
        )
        document = (
            f'<!DOCTYPE html>\n<html lang="{self.language}"><head><meta charset="utf-8"></head><body>\n'
            f"{paragraphs}\n</body></html>\n"
        )
        return self.subject.substitute(values), text, document


def parse_wording(language: str, text: str) -> Wording:
    """One file's content. Raises ConfigError for a missing or unknown part or placeholder."""
    table = tomllib.loads(text)
    if table.keys() != _ALLOWED.keys():
        raise ConfigError(f"wording {language}: wants exactly {', '.join(_ALLOWED)}; has {', '.join(table)}")
    parts: dict[str, string.Template] = {}
    for name, value in table.items():
        parts[name] = template = string.Template(value.strip())
        used = set(template.get_identifiers()) if template.is_valid() else {"(malformed)"}
        if wrong := used - _ALLOWED[name]:
            raise ConfigError(f"wording {language}: {name}: unknown placeholder {', '.join(sorted(wrong))}")
        if missing := _NEEDED.get(name, set()) - used:
            raise ConfigError(f"wording {language}: {name}: lacks ${', $'.join(sorted(missing))}")
    body = tuple(string.Template(part.strip()) for part in parts["body"].template.split("\n\n"))
    return Wording(language, parts["subject"], parts["greeting"], parts["greeting_name"], body, parts["signature"])


@cache
def wordings() -> Mapping[str, Wording]:
    """Every language there is."""
    folder = resources.files("ticketing.templates")
    return {
        language: parse_wording(language, folder.joinpath(f"{language}.toml").read_text("utf-8"))
        for language in LANGUAGES
    }


def choose(language: str | None, default: str) -> str:
    """The language to write in: that of the message where we have it, else the desk's. BCP 47; regions are ignored."""
    primary = (language or "").replace("_", "-").partition("-")[0].lower()
    return primary if primary in LANGUAGES else default

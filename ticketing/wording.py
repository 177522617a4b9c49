"""The texts of confirmations: one TOML file per language, read and checked once (docs/templates.md).

Placeholders are those of `string.Template` and nothing more, so a template can say things and do nothing.
"""

import html
import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

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
_IN_HTML = {"number", "desk", "greeting", "body", "signature", "language"}
_NEEDED_IN_HTML = {"greeting", "body", "signature"}
_LARGEST = 64 * 1024
_NAME = re.compile(r"[a-z]{2,3}")
_PART = re.compile(
    r"\$\$|\$(?:(greeting|body|signature|language)(?![A-Za-z0-9_])|\{(greeting|body|signature|language)\})"
)
_HTML = """\
<!DOCTYPE html>
<html lang="$language"><head><meta charset="utf-8"></head><body>
$greeting
$body
$signature
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. `greeting_name` is for people whose name may be repeated to them; `body`: paragraphs."""

    language: str
    subject: string.Template
    greeting: string.Template
    greeting_name: string.Template
    body: tuple[string.Template, ...]
    signature: string.Template
    page: string.Template
    _whole: Mapping[bool, tuple[string.Template, string.Template]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # put together once, by whether there is a name: confirmations are on the hot path
        whole = {named: self._together(self.greeting_name if named else self.greeting) for named in (False, True)}
        object.__setattr__(self, "_whole", whole)

    def _together(self, greeting: string.Template) -> tuple[string.Template, string.Template]:
        blocks = (greeting, *self.body, self.signature)
        text = "\n\n".join(block.template for block in blocks) + "\n"
        parts = {
            "greeting": _paragraph(greeting),
            "body": "\n".join(map(_paragraph, self.body)),
            "signature": _paragraph(self.signature),
            "language": self.language,
        }
        page = _PART.sub(lambda found: parts[found[1] or found[2]] if found[0] != "$$" else "$$", self.page.template)
        return string.Template(text), string.Template(page + "\n")

    def render(self, number: int, desk: str, name: str | None) -> tuple[str, str, str]:
        """Subject, text and HTML."""
        values = {"number": str(number), "desk": desk, "name": name or ""}
        text, page = self._whole[name is not None]
        escaped = {key: html.escape(value) for key, value in values.items()}
        return self.subject.substitute(values), text.substitute(values), page.substitute(escaped)


def _paragraph(block: string.Template) -> str:
    return f"<p>{html.escape(block.template, quote=False)}</p>".replace("\n", "<br>\n")


def parse_wording(language: str, text: str, where: str | None = None) -> Wording:
    """One file's content. Raises ConfigError naming the file, the part and what is wrong with it."""
    where = where or f"wording {language}"
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}") from None
    page = table.pop("html", _HTML)
    if table.keys() != _ALLOWED.keys():
        raise ConfigError(f"{where}: wants exactly {', '.join(_ALLOWED)}, and html if you like; has {', '.join(table)}")
    parts = {
        name: _template(f"{where}: {name}", value, _ALLOWED[name], _NEEDED.get(name, set()))
        for name, value in table.items()
    }
    if len(parts["subject"].template.splitlines()) != 1:
        raise ConfigError(f"{where}: subject: wants one line")
    body = tuple(string.Template(part.strip()) for part in re.split(r"\n\s*\n", parts["body"].template))
    return Wording(
        language,
        parts["subject"],
        parts["greeting"],
        parts["greeting_name"],
        body,
        parts["signature"],
        _template(f"{where}: html", page, _IN_HTML, _NEEDED_IN_HTML),
    )


def _template(where: str, value: object, allowed: Iterable[str], needed: Iterable[str]) -> string.Template:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where}: wants text")
    template = string.Template(value.strip())
    if not template.is_valid():
        raise ConfigError(f"{where}: a $ that begins no placeholder; write $$ for a dollar sign")
    used = set(template.get_identifiers())
    if wrong := used - set(allowed):
        raise ConfigError(f"{where}: unknown placeholder {', '.join(sorted(wrong))}")
    if missing := set(needed) - used:
        raise ConfigError(f"{where}: lacks ${', $'.join(sorted(missing))}")
    return template


@cache
def wordings() -> Mapping[str, Wording]:
    """Every language there is."""
    folder = resources.files("ticketing.templates")
    return {
        language: parse_wording(language, folder.joinpath(f"{language}.toml").read_text("utf-8"))
        for language in LANGUAGES
    }


def wordings_from(folder: Path | None) -> Mapping[str, Wording]:
    """Ours, with those of an operator's folder in their place or beside them: `nl.toml`, `de.toml` …

    Raises ConfigError naming the file and the problem; whatever else lies in the folder is an error too.
    """
    if folder is None:
        return wordings()
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"[confirmations] templates: {folder} cannot be read: {error.strerror}") from None
    return {**wordings(), **{path.stem: _read(path) for path in files}}


def _read(path: Path) -> Wording:
    if path.suffix != ".toml" or not _NAME.fullmatch(path.stem):
        raise ConfigError(f"{path}: wants the name of a language, such as nl.toml")
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: is larger than {_LARGEST} bytes")
    return parse_wording(path.stem, text, str(path))


def choose(candidates: Iterable[str | None], available: Iterable[str], default: str) -> str:
    """The language to write in: the first of the candidates that we have, else the desk's. BCP 47; regions ignored."""
    known = set(available)
    for candidate in candidates:
        primary = (candidate or "").replace("_", "-").partition("-")[0].lower()
        if primary in known:
            return primary
    return default

"""A form as HTML: a whole page, or the part of it that a script puts into another page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from ingest.forms.checking import Problems
from ingest.forms.definition import LENGTHS, Field, Form, label_in
from ingest.forms.languages import NAMES
from ingest.forms.wording import Words, wording
from normalize.forms.submission import answer
from normalize.payload.fields import Fields

_ANY_REFERENCE = "0000-0000-0000"
_TEMPLATES = ("page", "form", "received", "fragment")
_AUTOCOMPLETE = {"name": "name", "email": "email", "phone": "tel"}
_FOR_SCRIPTS = ("summary", "sending", "sent_percent", "waiting", "offline", "failed")
_ERRORS_FOR_SCRIPTS = ("too_many_files", "file_too_large", "files_too_large")


def static(name: str) -> str:
    """A file beside the templates."""
    return resources.files("ingest.forms.page").joinpath(name).read_text("utf-8")


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=DictLoader({f"{name}.html": static(f"{name}.html") for name in _TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What one visitor's form carries. `root`: the path it lies under. `nonce` makes of what is sent twice one
    submission.
    """

    root: str
    language: str
    nonce: str
    stamp: str
    problems: Problems = field(default_factory=dict)
    answers: Fields = field(default_factory=Fields)


@dataclass(frozen=True, slots=True)
class Pages:
    """Of one form."""

    form: Form
    _receipts: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def page(self, given: Given, *, banner: str | None = None) -> str:
        """The page to fill in. `banner`: a sentence of the words that stands above, after a try that failed."""
        here = f"{given.root}/"
        return self._render("page", given.root, given.language, **self._form(given, banner), reference=None, here=here)

    def fragment(self, given: Given) -> str:
        """The form alone."""
        return self._render("fragment", given.root, given.language, **self._form(given, None))

    def received(self, root: str, language: str, reference: str) -> str:
        """The receipt as a page."""
        return self._render(
            "page",
            root,
            language,
            reference=reference,
            heading="h1",
            another=f"{root}/?language={language}",
            here=f"{root}/received/{reference}",
        )

    def received_fragment(self, root: str, language: str, reference: str) -> str:
        """The receipt alone."""
        blank = self._receipts.get((root, language))
        if blank is None:
            more = {"reference": _ANY_REFERENCE, "heading": "h2", "another": f"{root}/"}
            blank = self._receipts[root, language] = self._render("received", root, language, **more)
        return blank.replace(_ANY_REFERENCE, reference)

    def sentences(self, problems: Problems, language: str) -> dict[str, str]:
        """What is wrong, in words, by field."""
        words = wording(language)
        return {name: self._sentence(words, name, code) for name, code in problems.items()}

    def _sentence(self, words: Words, name: str, code: str) -> str:
        kind = next((field.kind for field in self.form.fields if field.name == name), "line")
        values = {"limit": LENGTHS.get(kind, 0), **self.form.limits.shown()}
        return str(words["errors"][code]).format(**values)

    def _form(self, given: Given, banner: str | None) -> dict[str, Any]:
        words = wording(given.language)
        problems = self.sentences(given.problems, given.language)
        summary = None
        if problems or banner:
            asked = {field.name for field in self.form.fields} | {"_website"}
            others = [text for name, text in problems.items() if name not in asked]
            sentences = [words[banner] if banner else words["summary"], *others]
            if any(field.kind == "files" for field in self.form.fields):
                sentences.append(words["files_again"])
            summary = " ".join(sentences)
        return {
            "action": f"{given.root}/",
            "nonce": given.nonce,
            "stamp": given.stamp,
            "problems": problems,
            "values": {name: answer(given.answers, name) for name in self._remembered()},
            "summary": summary,
            "script_words": json.dumps(self._script_words(words), ensure_ascii=False),
            "label_in": label_in,
            "described_by": _described_by,
            "autocomplete": _AUTOCOMPLETE,
        }

    def _remembered(self) -> list[str]:
        return [*(field.name for field in self.form.fields if field.kind != "files"), "feedback"]

    def _script_words(self, words: Words) -> Mapping[str, str]:
        errors = {code: self._sentence(words, "attachments", code) for code in _ERRORS_FOR_SCRIPTS}
        return {**{name: str(words[name]) for name in _FOR_SCRIPTS}, **errors}

    def _render(self, template: str, root: str, language: str, **values: object) -> str:
        return (
            _environment()
            .get_template(f"{template}.html")
            .render(
                form=self.form,
                words=wording(language),
                language=language,
                title=label_in(self.form.title, language),
                root=root,
                names=NAMES,
                **values,
            )
        )


def _described_by(field: Field, problem: str | None) -> Markup:
    """The attributes that tie an input to its hint and its error."""
    hint = [f"h-{field.name}"] if field.kind == "files" or field.name == "email" else []
    ids = " ".join([*hint, f"e-{field.name}"])
    invalid = Markup(' aria-invalid="true"') if problem else Markup("")
    return Markup(' aria-describedby="%s"') % escape(ids) + invalid

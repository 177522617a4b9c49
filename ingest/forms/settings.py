"""The settings that `website` and `web_form` share, and the form they describe."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from bus.settings import Section
from ingest.forms.definition import STANDARD, FileLimits, Form, Kind, Labels, Option
from ingest.forms.definition import Field as FormField
from ingest.forms.identity import LEAST_SECRET
from ingest.forms.languages import LANGUAGES
from ingest.forms.wording import wording
from ingest.intake.origins import Origin
from ingest.intake.route import KIB, MIB
from ingest.intake.settings import WebSettings
from normalize.forms.submission import LONGEST_CATEGORY, PRIORITIES

_NAME = r"^[A-Za-z][A-Za-z0-9-]{0,49}$"


def _labels(value: str | dict[str, str]) -> str | dict[str, str]:
    for language in value if isinstance(value, dict) else ():
        if language not in LANGUAGES:
            raise ValueError(f"{language!r} is none of our languages: {', '.join(LANGUAGES)}")
    return value


Label = Annotated[str | dict[str, str], AfterValidator(_labels)]
"""The same in every language, or by language: `{en = "Order number", ja = "注文番号"}`."""


class Choice(Section):
    """An answer of a choice, `{value = "billing", label = {en = "Billing"}}`, or just its value."""

    value: str = Field(min_length=1, max_length=200, description="what is filed")
    label: Label = Field(default="", description="what people read; the value itself without one")


class OwnField(Section):
    """`[connectors.NAME.field.FIELD]`: a question of your own."""

    label: Label = Field(description="the question, the same in every language or by language")
    kind: Literal["line", "text", "choice", "check", "phone"] = Field(
        default="line", description="`line`, `text`, `phone`, `check` or `choice`"
    )
    options: list[Choice | str] = Field(default=[], description="the answers of a `choice`")

    @model_validator(mode="after")
    def _whole(self) -> "OwnField":
        if (self.kind == "choice") != bool(self.options):
            raise ValueError('options belong to kind = "choice", and it needs some')
        return self


class FormSettings(WebSettings):
    """What a form asks (`fields`, `required`, `field.NAME`, `categories`), its limits, and who may use it."""

    title: Label = Field(default="", description="what the page or form is called")
    language: str = Field(default="en", description="for visitors whose browser wants none of our languages")
    fields: list[str] = Field(
        default=["name", "email", "subject", "text", "attachments"], description="what is asked, in this order"
    )
    required: list[str] = Field(default=["email", "text"], description="what must be answered")
    field: dict[Annotated[str, Field(pattern=_NAME)], OwnField] = Field(
        default={}, description="questions of your own, by name"
    )
    categories: list[Choice | str] = Field(
        default=[], description="the answers of the field `category`; the ticket gets the one chosen"
    )
    region: str | None = Field(
        default=None, pattern="^[A-Z]{2}$", description="the country whose national telephone numbers are meant"
    )
    max_files: int = Field(default=5, ge=0, le=50, description="files of one submission")
    max_file_bytes: int = Field(default=10 * MIB, ge=KIB, description="bytes of one file")
    max_total_bytes: int = Field(default=20 * MIB, ge=KIB, le=22 * MIB, description="bytes of all files together")
    minimum_seconds: float = Field(
        default=3.0, ge=0, le=60, description="nobody needs less to fill it in; who does is asked to try again"
    )
    allowed_origins: list[Origin] = Field(default=[], description="sites whose scripts may call it, and frame its page")
    identity_secret: SecretStr | None = Field(
        default=None, description="whoever signs with it says who is logged in; at least 32 bytes"
    )
    identity_secret_previous: SecretStr | None = Field(
        default=None, description="the one before it, while it is changed"
    )
    stamp_secret: SecretStr | None = Field(
        default=None, description="signs when a form was given out; needed when several machines serve it"
    )

    @field_validator("identity_secret", "identity_secret_previous", "stamp_secret")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < LEAST_SECRET:
            raise ValueError(f"a secret has at least {LEAST_SECRET} bytes")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "FormSettings":
        if self.language not in LANGUAGES:
            raise ValueError(f"language: {self.language!r} is none of {', '.join(LANGUAGES)}")
        for name in self.fields:
            if name not in STANDARD and name not in self.field:
                raise ValueError(f"fields: {name!r} is unknown; describe it in [connectors.NAME.field.{name}]")
        if len(set(self.fields)) != len(self.fields) or not self.fields:
            raise ValueError("fields: each once, and at least one")
        for name in self.field:
            if name in STANDARD or name in ("id", "message", "fields", "feedback", "language", "page"):
                raise ValueError(f"field.{name}: this name has a meaning already")
        for name in self.required:
            if name not in self.fields:
                raise ValueError(f"required: {name!r} is not among fields")
        if ("category" in self.fields) != bool(self.categories):
            raise ValueError('categories and the field "category" belong together')
        if any(len(_option(each).value) > LONGEST_CATEGORY for each in self.categories):
            raise ValueError(f"categories: the desk's have at most {LONGEST_CATEGORY} characters")
        return self

    @property
    def identity_secrets(self) -> list[SecretStr]:
        """Those that are believed."""
        return [each for each in (self.identity_secret, self.identity_secret_previous) if each is not None]

    @property
    def max_body(self) -> int:
        """Bytes of a request: the files, in base64 at worst, and the words."""
        return self.max_total_bytes * 4 // 3 + MIB

    def form(self, name: str, feedback: Literal["no", "choice", "only"] = "no") -> Form:
        """The form that they describe."""
        return Form(
            name=name,
            title=by_language(self.title) or {each: _title(each, feedback) for each in LANGUAGES},
            fields=tuple(self._asked()),
            limits=FileLimits(self.max_files, self.max_file_bytes, self.max_total_bytes),
            feedback=feedback,
            minimum=self.minimum_seconds,
        )

    def _asked(self) -> Iterator[FormField]:
        for name in self.fields:
            required = name in self.required
            if (own := self.field.get(name)) is not None:
                labels, options = by_language(own.label), tuple(map(_option, own.options))
                yield FormField(name, own.kind, required, labels, options)
                continue
            kind: Kind = STANDARD[name]
            options = ()
            if name == "category":
                options = tuple(map(_option, self.categories))
            elif name == "priority":
                options = tuple(Option(each, _words(f"priority_{each}")) for each in PRIORITIES)
            yield FormField(name, kind, required, _words(name), options)


def _title(language: str, feedback: str) -> str:
    return str(wording(language)["title_feedback" if feedback == "only" else "title"])


def _words(key: str) -> Labels:
    return {language: str(wording(language)[key]) for language in LANGUAGES}


def by_language(label: str | Mapping[str, str]) -> Labels:
    """A label as a form has it; empty for none."""
    if isinstance(label, str):
        return {"*": label} if label else {}
    return dict(label)


def _option(choice: Choice | str) -> Option:
    return Option(choice) if isinstance(choice, str) else Option(choice.value, by_language(choice.label))

"""The routes of a form: its page, its receipt, its files, and what scripts and servers post to."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr
from starlette.responses import JSONResponse, RedirectResponse, Response

from bus.reference import beginning_of_id, reference_of
from ingest.forms.definition import STAMP
from ingest.forms.identity import HEADER, identified
from ingest.forms.languages import negotiated
from ingest.forms.pages import Given, Pages, static
from ingest.forms.stamps import Stamps
from ingest.forms.submitting import NotTaken, Ready, Submitting
from ingest.intake.origins import Origins
from ingest.intake.route import Accept, HttpRoute, Incoming, Refusal, Route, Unavailable
from normalize.payload.fields import Fields

_COOKIE = "deskstream-form"
_NONCE = re.compile(r"[A-Za-z0-9_-]{20,60}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class FormRoutes:
    """What both connectors have. `origins`: whose pages' scripts may call; `framers`: who may frame the page."""

    submitting: Submitting
    pages: Pages
    stamps: Stamps
    max_body: int
    origins: Origins
    framers: Sequence[str] = ()
    identity_secrets: Sequence[SecretStr] = ()
    default_language: str = "en"
    _files: Mapping[str, tuple[bytes, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        send = static("send.js")
        files = {
            "form.css": (static("form.css"), "text/css; charset=utf-8"),
            "page.js": (send + static("page.js"), "text/javascript; charset=utf-8"),
            "form.js": (send + static("embed.js"), "text/javascript; charset=utf-8"),
        }
        object.__setattr__(self, "_files", {name: (text.encode(), kind) for name, (text, kind) in files.items()})

    def page(self) -> list[Route]:
        """The form as a page of our own, that needs no script."""
        return [
            HttpRoute("/", self._page, ("GET",), limited=False),
            HttpRoute("/", self._post_page, max_body=self.max_body, deadline=25.0),
            HttpRoute("/received/{reference}", self._received, ("GET",), limited=False),
            self._file("form.css"),
            self._file("page.js"),
        ]

    def embedded(self) -> list[Route]:
        """The form inside other pages, by a script."""
        return [
            self._file("form.js"),
            HttpRoute("/form.json", self._fragment, ("GET",), limited=False, origins=self.origins),
            HttpRoute("/submissions", self._post_script, max_body=self.max_body, origins=self.origins),
        ]

    def api(self, path: str) -> Route:
        """For the company's own site and servers: JSON or a form, without trap and time."""
        return HttpRoute(path, self._post_api, max_body=self.max_body, origins=self.origins)

    def _file(self, name: str) -> Route:
        body, kind = self._files[name]
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {
            "etag": tag,
            "cache-control": f"public, max-age={_HOUR}",
            "cross-origin-resource-policy": "cross-origin",
        }

        async def serve(incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG001  # takes nothing
            if incoming.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers=headers)
            return Response(body, media_type=kind, headers=headers)

        return HttpRoute(f"/{name}", serve, ("GET",), limited=False)

    async def _page(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002
        nonce = _nonce_of(incoming) or _new_nonce()
        given = Given(incoming.root, self._language(incoming), nonce, self._stamp())
        return self._html(incoming, self.pages.page(given), nonce=nonce)

    async def _fragment(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002
        given = Given(incoming.root, self._language(incoming), _new_nonce(), self._stamp())
        css = self._files["form.css"][0].decode()
        return JSONResponse({"language": given.language, "html": self.pages.fragment(given), "css": css})

    async def _received(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002
        beginning = beginning_of_id(incoming.params["reference"])
        if beginning is None:
            raise Refusal(404, "not_found", "There is nothing here.")
        text = self.pages.received(incoming.root, self._language(incoming), reference_of(beginning))
        return self._html(incoming, text, nonce="")

    async def _post_page(self, incoming: Incoming, accept: Accept) -> Response:
        """A browser's own sending, or our script's on that page, which wants JSON."""
        if "application/json" in incoming.headers.get("accept", ""):
            return await self._post_script(incoming, accept)
        read = await self.submitting.read(incoming, guarded=True)
        if isinstance(read, NotTaken):
            return self._again(incoming, read, 422)
        try:
            await accept(read.record)
        except Unavailable as error:
            response = self._again(incoming, NotTaken({}, read.answers), error.status, banner="unavailable")
            response.headers["retry-after"] = error.headers["Retry-After"]
            return response
        return RedirectResponse(self._receipt(incoming, read), 303)

    def _again(self, incoming: Incoming, read: NotTaken, status: int, banner: str | None = None) -> Response:
        """The page with what was answered, and what is wrong with it."""
        nonce, stamp = read.answers.id("id"), read.answers.text(STAMP)
        given = Given(
            incoming.root,
            self._language(incoming, read.answers),
            nonce if _NONCE.fullmatch(nonce) else _new_nonce(),
            self._stamp() if STAMP in read.problems else stamp,
            read.problems,
            read.answers,
        )
        return self._html(incoming, self.pages.page(given, banner=banner), status=status)

    async def _post_script(self, incoming: Incoming, accept: Accept) -> Response:
        ready = await self._ready(incoming, guarded=True)
        await accept(ready.record)
        language = self._language(incoming, ready.answers)
        return JSONResponse(
            {
                "reference": ready.reference,
                "page": self._receipt(incoming, ready),
                "html": self.pages.received_fragment(incoming.root, language, ready.reference),
            },
            201,
        )

    async def _post_api(self, incoming: Incoming, accept: Accept) -> Response:
        keys = incoming.headers.getlist("idempotency-key")
        if len(keys) > 1 or (keys and not _KEY.fullmatch(keys[0])):
            raise Refusal(400, "idempotency_key", "Idempotency-Key is at most 200 printable characters, once.")
        ready = await self._ready(incoming, guarded=False)
        await accept(ready.record)
        return JSONResponse({"reference": ready.reference, "message_id": ready.message_id}, 201)

    async def _ready(self, incoming: Incoming, *, guarded: bool) -> Ready:
        """What may be taken. Raises Refusal: 401 for an identity that is none, 422 with what is wrong in words."""
        read = await self.submitting.read(incoming, guarded=guarded, identity=self._identity(incoming))
        if isinstance(read, Ready):
            return read
        language = self._language(incoming, read.answers)
        more: dict[str, object] = {
            "errors": self.pages.sentences(read.problems, language),
            "codes": dict(read.problems),
        }
        if STAMP in read.problems:
            more["stamp"] = self._stamp()
        raise Refusal(422, "invalid", "It was not taken; see errors.", more=more)

    def _identity(self, incoming: Incoming) -> str | None:
        tokens = incoming.headers.getlist(HEADER)
        if not tokens:
            return None
        if len(tokens) > 1:
            raise Refusal(401, "identity", f"The header {HEADER} must be there once.")
        return identified(tokens[0], self.identity_secrets, self.submitting.account)

    def _language(self, incoming: Incoming, answers: Fields | None = None) -> str:
        chosen = incoming.query.get("language") or (answers.line("language") if answers else "")
        return negotiated(chosen, incoming.headers.get("accept-language", ""), self.default_language)

    def _receipt(self, incoming: Incoming, ready: Ready) -> str:
        language = self._language(incoming, ready.answers)
        return f"{incoming.root}/received/{ready.reference}?language={language}"

    def _stamp(self) -> str:
        return self.stamps.issue(self.submitting.clock())

    def _html(self, incoming: Incoming, text: str, *, status: int = 200, nonce: str | None = None) -> Response:
        """`nonce`: kept by the browser until a receipt is shown, so that a reload sends the same submission."""
        framers = " ".join(self.framers) or "'none'"
        response = Response(
            text,
            status,
            media_type="text/html",
            headers={
                "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
                f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {framers}",
                "referrer-policy": "same-origin",
                "vary": "Accept-Language, Cookie",
            },
        )
        if nonce is not None:
            response.set_cookie(
                _COOKIE,
                nonce,
                max_age=_HOUR if nonce else 0,
                path=f"{incoming.root}/",
                httponly=True,
                samesite="lax",
                secure=incoming.url.startswith("https:"),
            )
        return response


def _nonce_of(incoming: Incoming) -> str | None:
    for pair in incoming.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == _COOKIE and _NONCE.fullmatch(value):
            return value
    return None


def _new_nonce() -> str:
    return secrets.token_urlsafe(18)

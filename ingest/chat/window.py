"""What a page needs to show the window: one script, and the words and settings it asks for."""

import hashlib
from collections.abc import Sequence
from importlib import resources

from starlette.responses import JSONResponse, Response

from ingest.chat.frames import LONGEST_TEXT
from ingest.chat.settings import ChatSettings
from ingest.chat.talk import Talk
from ingest.forms.definition import label_in
from ingest.forms.languages import negotiated
from ingest.forms.wording import size, wording
from ingest.intake.origins import Origins
from ingest.intake.route import Accept, HttpRoute, Incoming, Route

_PARTS = ("tag", "kept", "line", "conversation", "window", "writing", "files", "beginning")
"""Of the script, in the order in which their first lines need one another."""
_HOUR = 3600
_WORDS = "ingest.chat.words"


class ChatWindow:
    """The routes of the script and of what it is told."""

    def __init__(self, settings: ChatSettings, talk: Talk) -> None:
        self._settings = settings
        self._talk = talk
        self._script = _script().encode()
        self._style = _static("chat.css")
        self._tag = f'"{hashlib.sha256(self._script).hexdigest()[:16]}"'

    def routes(self, origins: Origins) -> Sequence[Route]:
        """`/chat.js` and `/chat.json`."""
        return [
            HttpRoute("/chat.js", self._serve, ("GET",), limited=False),
            HttpRoute("/chat.json", self._told, ("GET",), limited=False, origins=origins),
        ]

    async def _serve(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002  # takes nothing
        headers = {
            "etag": self._tag,
            "cache-control": f"public, max-age={_HOUR}",
            "cross-origin-resource-policy": "cross-origin",
        }
        if incoming.headers.get("if-none-match") == self._tag:
            return Response(status_code=304, headers=headers)
        return Response(self._script, media_type="text/javascript; charset=utf-8", headers=headers)

    async def _told(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002  # takes nothing
        settings = self._settings
        chosen, accepted = incoming.query.get("language", ""), incoming.headers.get("accept-language", "")
        language = negotiated(chosen, accepted, settings.language)
        limits = {"files": str(settings.max_files), "each": size(settings.max_file_bytes), "limit": str(LONGEST_TEXT)}
        words = {name: str(text) for name, text in wording(language, _WORDS).items()}
        for name in ("too_many_files", "file_too_large", "too_long"):
            words[name] = words[name].format(**limits)
        words["title"] = label_in(settings.titles, language) or words["title"]
        words["greeting"] = label_in(settings.greetings, language) or words["greeting"]
        return JSONResponse(
            {
                "language": language,
                "words": words,
                "css": self._style,
                "online": self._talk.online(),
                "ask": list(settings.ask),
                "required": list(settings.required),
                "askEmailAfter": settings.ask_email_after,
                "askRating": settings.ask_rating,
                "maxFiles": settings.max_files,
                "maxFileBytes": settings.max_file_bytes,
                "maxText": LONGEST_TEXT,
            }
        )


def _script() -> str:
    """All parts in one scope that is nobody else's."""
    parts = "\n".join(_static(f"{name}.js") for name in _PARTS)
    return f'(() => {{\n"use strict";\n\n{parts}}})();\n'


def _static(name: str) -> str:
    return resources.files("ingest.chat.page").joinpath(name).read_text("utf-8")

"""Words by which machines give themselves away: machine_phrases.toml, and the names of machines."""

import re

from normalize.language_tables import folded, language_table, words_for

_TABLE = language_table("machine_phrases")
_AWAY = words_for(_TABLE, "away")
_UNMISTAKABLE = words_for(_TABLE, "unmistakable")
_ANSWERS = words_for(_TABLE, "answers")
_AUTOMATIC = (*_AWAY, *_ANSWERS)
_ANSWERS_WITH_COLON = frozenset(words.rstrip(": ") for words in _ANSWERS)
_AWAY_TEXT = words_for(_TABLE, "away_text")
_ANSWER = re.compile(r"^\W*(?:(?:re|aw|sv|vs|antw|rép|res|odp|ynt|回复|答复)\s?[:：]\W*)?")
_READ = 2000
FEEDBACK_SUBJECT = re.compile(r"^complaint about message from [\d.:a-f]+$", re.IGNORECASE)
DAEMON = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_]?daemon|post[-_.]?master|mailerdaemon|mdaemon|maildaemon|mail[-_.]?system|"
    r"mailsubsystem|mmdf|"
    r"(?:mail)?[-_.]?delivery[-_.]?(?:subsystem|system|status|failure)?|bounces?(?:[-_+.].*)?|double[-_]bounce|"
    r"smtp[-_.]?gateway|"
    r"microsoftexchange[0-9a-f]{8,}.*|uucp|root\+?mailer)$",
    re.IGNORECASE,
)
NO_REPLY = re.compile(
    r"^(?:no|not|dont|do[-_.]?not|ne|non|nao|kein|keine)[-_.]?(?:reply|repl[iy]|respond|repondre|antwort|"
    r"antworten|responda)"
    r"(?:[-_.+].*)?$|^(?:autoreply|auto[-_.]?reply|autoresponder|auto[-_.]?responder)$",
    re.IGNORECASE,
)


def says_away(subject: str) -> bool:
    """Whether a subject begins like that of an out-of-office mail."""
    return _bare(subject).startswith(_AWAY)


def says_unmistakably_away(subject: str) -> bool:
    """Whether it does in words that hardly any person begins a subject with."""
    return _bare(subject).startswith(_UNMISTAKABLE)


def says_automatic(subject: str) -> bool:
    """Whether a subject begins like that of any automatic answer."""
    return _bare(subject).startswith(_AUTOMATIC)


def begins_clearly(subject: str) -> bool:
    """Whether a program's words for an automatic answer stand before the colon of a subject ("Automatic reply: …")."""
    head = folded(subject).replace("：", ":").partition(":")
    return bool(head[1]) and head[0].strip(" []【】*!") in _ANSWERS_WITH_COLON


def text_says_away(text: str) -> bool:
    """Whether the beginning of a text says that somebody is away."""
    head = folded(text[:_READ])
    return any(words in head for words in _AWAY_TEXT)


def _bare(subject: str) -> str:
    return _ANSWER.sub("", folded(subject[:_READ]), count=1)

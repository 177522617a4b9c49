"""The page on which a customer rates: one form, no script, nothing loaded from anywhere. Pure."""

from html import escape

from ticketing.ratings.giving import LONGEST_WORDS, Given
from ticketing.ratings.wording import Words

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}label{display:block;padding:.4rem 0}textarea{width:100%;box-sizing:border-box;font:inherit}"
    "button{font:inherit;padding:.5rem 1.5rem;margin-top:1rem}"
)


def form(words: Words, desk: str, given: Given, chosen: str | None, *, said: str | None = None) -> str:
    """The form, with what was chosen or said before; `said`: a sentence above it."""
    current = chosen if chosen in ("good", "ok", "bad") else given.rating
    choices = "\n".join(
        f'<label><input type="radio" name="rating" value="{value}" required{" checked" if value == current else ""}> '
        f"{escape(label)}</label>"
        for value, label in (("good", words.good), ("ok", words.ok), ("bad", words.bad))
    )
    above = f'<p role="status">{escape(said)}</p>\n' if said else ""
    return _page(
        words,
        desk,
        f'{above}<form method="post">\n<fieldset><legend>{escape(words.title)}</legend>\n{choices}\n</fieldset>\n'
        f'<label>{escape(words.words)}<textarea name="words" rows="5" maxlength="{LONGEST_WORDS}">'
        f"{escape(given.words or '')}</textarea></label>\n"
        f'<button type="submit">{escape(words.send)}</button>\n</form>',
    )


def sentence(words: Words, desk: str, said: str) -> str:
    """A page that says one thing."""
    return _page(words, desk, f'<p role="status">{escape(said)}</p>')


def _page(words: Words, desk: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(words.title)} – {escape(desk)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(desk)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def style_source() -> str:
    """What the Content-Security-Policy has to allow for the page's own style."""
    from base64 import b64encode
    from hashlib import sha256

    return f"'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"

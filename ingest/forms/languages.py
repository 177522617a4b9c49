"""Which of our languages a visitor gets."""

LANGUAGES = ("en", "fr", "nl", "pt", "ja")
NAMES = {"en": "English", "fr": "Français", "nl": "Nederlands", "pt": "Português", "ja": "日本語"}
_MOST = 20


def negotiated(chosen: str, accept_language: str, default: str = "en") -> str:
    """`chosen` (a link, a script's setting) if it is one of ours, else what `Accept-Language` (RFC 9110 §12.5.4)
    wants most, else `default`.
    """
    if (own := _ours(chosen)) is not None:
        return own
    wanted: list[tuple[float, str]] = []
    for each in accept_language[:1_000].split(",")[:_MOST]:
        tag, *parameters = (part.strip() for part in each.split(";"))
        language = _ours(tag)
        weight = _weight(parameters)
        if language is not None and weight > 0:
            wanted.append((weight, language))
    return max(wanted, key=lambda pair: pair[0])[1] if wanted else default


def _ours(tag: str) -> str | None:
    primary = tag.replace("_", "-").partition("-")[0].strip().lower()
    return primary if primary in LANGUAGES else None


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0

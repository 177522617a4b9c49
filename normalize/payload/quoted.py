"""A stranger's word inside a sentence of ours."""

_LONGEST = 60


def quoted(word: str) -> str:
    """`word`, at most 60 characters, with `?` for what cannot be printed on one line."""
    return "".join(each if each.isprintable() else "?" for each in word[:_LONGEST])

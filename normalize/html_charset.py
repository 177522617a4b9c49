"""The charset that an HTML document names itself (WHATWG: encoding sniffing)."""


def meta_charset(source: bytes) -> str | None:
    """What `<meta charset>` says in the first kilobytes, when the part does not."""
    head = source[:4096].lower()
    at = head.find(b"charset=")
    if at < 0 or head.rfind(b"<meta", 0, at) < 0:
        return None
    label = head[at + 8 : at + 68].lstrip(b" \"'").split(b'"')[0].split(b"'")[0].split(b">")[0].split(b"/")[0]
    return label.strip().decode("ascii", "ignore") or None

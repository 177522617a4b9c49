"""ISO-2022-JP as it is really sent: with NEC row 13, half-width katakana and JIS X 0212 (RFC 1468, CP50220)."""

import re

from normalize.limits import ISO_2022_BYTES

_ESCAPE = re.compile(rb"\x1b(\$[@AB]|\$\([A-DO-Q]|\([BJI]|\.[AF]|&@)")
_PAIRS: dict[bytes, tuple[str, bytes]] = {
    # escape: the 8-bit charset of the same rows, and what stands before each pair in it
    b"$@": ("euc_jis_2004", b""),
    b"$B": ("euc_jis_2004", b""),
    b"$(O": ("euc_jis_2004", b""),
    b"$(Q": ("euc_jis_2004", b""),
    b"$A": ("gb2312", b""),
    b"$(C": ("cp949", b""),
    b"$(D": ("euc_jp", b"\x8f"),
}


def decode_iso2022_jp(data: bytes) -> str:
    """The text; what cannot be read becomes U+FFFD. Linear."""
    if b"-" not in data and b"\x1b(I" not in data:  # row 13 begins with 0x2D
        try:
            return data.decode("iso2022_jp")
        except UnicodeDecodeError:
            pass
    if len(data) > ISO_2022_BYTES:
        return data.decode("iso2022_jp_ext", "replace")
    pieces: list[str] = []
    mode, at = b"(B", 0
    for escape in _ESCAPE.finditer(data):
        pieces.append(_segment(data[at : escape.start()], mode))
        mode, at = escape.group(1), escape.end()
    pieces.append(_segment(data[at:], mode))
    return "".join(pieces)


def _segment(data: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return "".join(chr(0xFF40 + (b & 0x7F)) if 0x21 <= (b & 0x7F) <= 0x5F else chr(b & 0x7F) for b in data)
    if mode in _PAIRS:
        codec, prefix = _PAIRS[mode]
        return _high(data, codec, prefix)
    return data.decode("shift_jis" if mode == b"(J" else "ascii", "replace")


def _high(data: bytes, codec: str, prefix: bytes) -> str:
    """Pairs of 7-bit codes as the 8-bit charset of the same rows; controls between them (a line end) stay."""
    out = bytearray()
    at = 0
    while at < len(data):
        if data[at] <= 0x20 or data[at] >= 0x7F:
            out.append(data[at])
            at += 1
        elif at + 1 < len(data) and 0x20 < data[at + 1] < 0x7F:
            out += prefix
            out.append(data[at] | 0x80)
            out.append(data[at + 1] | 0x80)
            at += 2
        else:
            out += b"?"
            at += 1
    return out.decode(codec, "replace")

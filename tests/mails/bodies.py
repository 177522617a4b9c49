"""Bodies of generated mails: three charsets, plain, alternative, with attachments, with quoted history."""

import base64
import random
from quopri import encodestring

_LATIN = (
    "the order has not arrived and the tracking page shows nothing since Monday please check what happened",
    "après la mise à jour l'écran reste noir et le bouton démarrer ne réagit plus du tout merci de répondre",
    "de factuur klopt niet want het bedrag is dubbel geïnd en ik heb al drie keer gebeld zonder antwoord",
    "o pedido chegou com defeito e não consigo contactar ninguém a situação já dura há duas semanas",
)
_JAPANESE = "先週注文した商品がまだ届いていません。状況を教えてください。"


def body_part(rng: random.Random, token: str, size: int, *, quoted: bool) -> bytes:
    """Headers of the body and the body, about `size` bytes, `token` once in its text."""
    charset = rng.choices(("utf-8", "iso-8859-1", "iso-2022-jp"), (6, 3, 1))[0]
    attached = size > 9_000 or rng.random() < 0.08
    text_size = min(size, 3_000) if attached else size
    text = _text(rng, token, text_size if charset != "iso-2022-jp" else text_size // 3, charset)
    if quoted:
        text += (
            "\r\n\r\nOn Mon, 2 Nov 2026 at 10:00, Support <support@desk.example> wrote:\r\n> earlier text\r\n> more\r\n"
        )
    plain = _leaf("plain", text, charset)
    if not attached:
        if rng.random() < 0.35:
            page = _leaf("html", f"<html><body><p>{text.replace(chr(10), '<br>')}</p></body></html>", charset)
            return _multipart(rng, "alternative", [_leaf("plain", text[: len(text) // 2] + token, charset), page])
        return plain
    blob = rng.randbytes(max(64, (size - text_size) * 3 // 4))
    name = f"scan-{rng.randrange(10_000)}.pdf"
    file = (
        f'Content-Type: application/pdf; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    ).encode() + base64.encodebytes(blob).replace(b"\n", b"\r\n")
    return _multipart(rng, "mixed", [plain, file])


def _text(rng: random.Random, token: str, size: int, charset: str) -> str:
    lines = [f"Hello, {token}", ""]
    length = 0
    while length < size:
        line = _JAPANESE if charset == "iso-2022-jp" else " ".join(rng.sample(rng.choice(_LATIN).split(), 11))
        lines.append(line)
        length += len(line) + 2
    return "\r\n".join([*lines, "", "Regards"])


def _leaf(subtype: str, text: str, charset: str) -> bytes:
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: "
    data = text.encode(charset, "replace")
    if charset == "iso-2022-jp":
        return f"{head}7bit\r\n\r\n".encode() + data
    encoded = encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return f"{head}quoted-printable\r\n\r\n".encode() + encoded


def _multipart(rng: random.Random, subtype: str, parts: list[bytes]) -> bytes:
    boundary = f"=_{rng.getrandbits(64):x}"
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    return head + body + b"--" + boundary.encode() + b"--\r\n"

"""Mailboxes in address fields (RFC 5322 §3.4), and what stands there instead of them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from normalize.encoded_words import decode_words
from normalize.legible import one_line, without_direction_marks
from normalize.limits import ADDRESSES

_SIMPLE = re.compile(r"(?:\"([^\"\\]*+)\"\s*+|([^\"<>()\[\],:;@\\=]*+))<([^\s<>()\[\]\",:;@\\]++@[A-Za-z0-9.-]++)>")
_BARE = re.compile(r"[^\s<>()\[\]\",:;@\\]++@[A-Za-z0-9.-]++")
_TOKENS = re.compile(
    r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=|\"(?:[^\"\\]|\\.)*\"|\\.|[()<>,;:\"]|[^()<>,;:\"\\\s=]+|\s+|=", re.DOTALL
)
_FINDABLE = re.compile(r"[^\s<>()\[\]\",:;@\\']{1,64}@[\w.-]{1,255}")
_DOT_ATOM = re.compile(r"[^\s()<>\[\]:;@\\,\".]+(?:\.[^\s()<>\[\]:;@\\,\".]+)*")
_AROUND = "<>() \t\r\n,;'"
_BLANKS = re.compile(r" {2,}")
_SEPARATORS = frozenset(",;:")
_PARENTHESES = frozenset("()")
_BRACKETS = frozenset("<>")
_LONGEST = 1024 * 1024


class Mailbox(NamedTuple):
    """A decoded display name, if there is one, and the address with its domain in lower case."""

    name: str | None
    address: str


def canonical(address: str) -> str:
    """The one form of an address: domain in lower case, no brackets, blanks or direction marks."""
    if not (address.isascii() and address.isprintable()):
        address = without_direction_marks(one_line(address))
    address = address.strip(_AROUND)
    if address[:7].lower() == "mailto:":
        address = address[7:]
    local, at, domain = address.rpartition("@")
    if not at:
        return address.strip('"[] ')
    domain = domain.strip(" \"'").rstrip(".").lower()
    if "[" not in domain:
        domain = domain.rstrip("]")
    return f"{_plain_local(local.strip(' ['))}@{domain}"


def _plain_local(local: str) -> str:
    """`"anna.bell"` means the same without its quotes; `"anna bell"` needs them."""
    if '"' not in local:
        return local
    inner = local[1:-1] if local[0] == local[-1] == '"' and len(local) > 2 else ""
    if inner and "." not in {inner[0], inner[-1]} and not _DOT_ATOM.fullmatch(inner):
        return local
    return inner or local.strip('"')


def parse_addresses(field: str) -> list[Mailbox]:
    """The mailboxes of a field whose encoded words are not yet decoded. At most 1,000. Linear."""
    field = field.strip()
    if not field:
        return []
    simple = _SIMPLE.fullmatch(field)
    if simple is not None:
        return [_mailbox(simple[1] if simple[1] is not None else simple[2], simple[3])]
    bare = _BARE.fullmatch(field)
    if bare is not None:
        return [Mailbox(None, canonical(bare[0]))]
    field = field[:_LONGEST]
    found = list(_scan(field, comments=True))
    if field.count("(") > field.count(")") and not any("@" in m.address for m in found):
        found = list(_scan(field, comments=False))
    if "=?" in field and not any("@" in m.address for m in found):
        decoded = decode_words(field)
        if decoded != field and "@" in decoded and "=?" not in decoded:
            return parse_addresses(decoded)
    if not any("@" in m.address for m in found) and (anywhere := _FINDABLE.search(field)):
        return [Mailbox(None, canonical(anywhere[0]))]
    return found


def _mailbox(name: str | None, address: str) -> Mailbox:
    if name:
        name = name.strip()
        if "=?" in name:
            name = decode_words(name)
        if not (name.isascii() and name.isprintable()):
            name = without_direction_marks(one_line(name))
        name = (_BLANKS.sub(" ", name) if "  " in name else name).strip("\"' ") or None
    return Mailbox(name or None, canonical(address))


class _Reading:
    """What has been read since the last separator."""

    __slots__ = ("angle", "bracketed", "comment", "depth", "in_angle", "named", "phrase")

    def __init__(self) -> None:
        self.phrase: list[str] = []
        self.angle: list[str] = []
        self.comment: list[str] = []
        self.depth = 0
        self.in_angle = False
        self.bracketed = False
        self.named = 0

    def ends_at(self, piece: str) -> bool:
        """Whether `piece` separates this mailbox from the next."""
        if self.depth or piece not in _SEPARATORS:
            return False
        return not self.in_angle or (piece != ":" and "@" in "".join(self.angle[-3:]))  # unclosed

    def take(self, piece: str, *, comments: bool) -> None:
        """Take a piece that is no separator. `comments`: parentheses hold comments, they are not just dirt."""
        if comments and not self.in_angle and (self.depth or piece == "("):
            outer = self.depth == (piece == ")")
            self.depth += (piece == "(") - (piece == ")")
            if not outer or piece not in _PARENTHESES:
                self.comment.append(piece)
            elif self.comment:
                self.comment.append(" ")
        elif piece in _BRACKETS:
            self.bracketed = True
            if self.in_angle and piece == ">":
                self.named = len(self.phrase)
            self.in_angle = piece == "<"
        elif self.in_angle:
            self.angle.append(piece)
        elif piece in _PARENTHESES:
            self.phrase.append(" ")
        elif piece != '"':
            self.phrase.append(_decoded_in_quotes(piece) if piece[0] == '"' and "=?" in piece else piece)

    def begins_again(self, piece: str) -> bool:
        """Whether a second address in brackets begins, without a comma between the two mailboxes."""
        return piece == "<" and not self.in_angle and not self.depth and "@" in "".join(self.angle)

    def rest(self) -> "_Reading":
        """What stood behind the first mailbox, taken away from it: the name of the next."""
        following = _Reading()
        following.phrase = self.phrase[self.named :]
        del self.phrase[self.named :]
        return following

    def mailboxes(self) -> list[Mailbox]:
        """The mailbox; several when addresses stand there with nothing but blanks between them."""
        if self.bracketed and not "".join(self.angle).strip():  # `"Anna" <>`
            return []
        words = [] if self.angle else "".join(self.phrase).split()
        if len(words) > 1 and all(0 < word.find("@") < len(word) - 1 for word in words):
            return [_mailbox(None, word) for word in words]
        box = self.mailbox()
        return [] if box is None else [box]

    def mailbox(self) -> Mailbox | None:
        phrase = "".join(self.phrase)
        angle = "".join(self.angle).strip()
        comment = "".join(self.comment).strip()
        if angle:
            if angle[0] == "@" and ":" in angle:
                angle = angle.split(":", 1)[1]  # a source route
            if "@" not in angle and "@" in phrase:
                return _mailbox(angle, phrase)
            return _mailbox(_unquoted(phrase) or comment, angle)
        words = phrase.split()
        at = next((i for i, word in enumerate(words) if "@" in word), None)
        if at is None:
            return Mailbox(comment or None, canonical(phrase)) if len(words) == 1 else None
        if words[at].startswith("@") or words[at].endswith("@"):  # blanks around the @
            return _mailbox(comment, "".join(words))
        if words[at].count('"') == 1:  # a quoted local part with blanks
            return _mailbox(comment, phrase)
        rest = " ".join(words[:at] + words[at + 1 :])
        return _mailbox(_unquoted(rest) or comment, words[at])


def _decoded_in_quotes(quoted: str) -> str:
    """Encoded words in quotes are none, but meant; they do not run together with those outside."""
    return '"' + decode_words(quoted[1:-1]).replace('"', '\\"') + '"'


def _unquoted(phrase: str) -> str:
    phrase = phrase.strip()
    if '"' not in phrase and "\\" not in phrase:
        return phrase
    return re.sub(r"\\(.)", r"\1", phrase.replace('\\"', "\0").replace('"', "").replace("\0", '"'), flags=re.DOTALL)


def _scan(field: str, *, comments: bool) -> Iterator[Mailbox]:
    now = _Reading()
    carried = ""
    count = 0
    for piece in _TOKENS.findall(field):
        if now.begins_again(piece):
            following = now.rest()
            for box in now.mailboxes():
                yield _named(box, carried)
            count += 1
            carried = ""
            now = following
        if not now.ends_at(piece):
            now.take(piece, comments=comments)
            continue
        if piece == ":":  # what stands before it is the name of a group
            carried = ""
            now.phrase.clear()
            continue
        boxes = now.mailboxes()
        if not boxes or ("@" not in boxes[0].address and piece == "," and not now.angle):
            carried += "".join(now.phrase).strip() + ", " if now.phrase else ""
        else:
            for box in boxes:
                yield _named(box, carried)
                carried = ""
            count += len(boxes)
        if piece == ";":
            carried = ""
        if count >= ADDRESSES:
            return
        now = _Reading()
    for box in now.mailboxes():
        if box.address:
            yield _named(box, carried)
            carried = ""


def _named(box: Mailbox, carried: str) -> Mailbox:
    """An unquoted comma in a name (`Doe, Jane <j@d>`) had cut it in two."""
    if not carried or box.name is None:
        return box
    name = one_line(decode_words(carried) + box.name).strip("\"' ")
    return Mailbox(name, box.address)

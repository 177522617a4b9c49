"""The `winmail.dat` of a mail, in which Outlook hides body and files from everyone else."""

from normalize.bodies import Bodies
from normalize.files import LooseFile, media_type_of
from normalize.structure import Part
from normalize.tnef import TNEF_TYPES, Unpacked, unpack_tnef
from normalize.transfer import decode_transfer


def take_packed(data: bytes, bodies: Bodies, warnings: list[str]) -> list[Unpacked]:
    """What was packed; the parts that held it are no attachments any more. One that cannot be read stays one."""
    if not any(_is_packed(part) for part in bodies.attached):
        return []
    found: list[Unpacked] = []
    left: list[Part] = []
    for part in bodies.attached:
        octets = decode_transfer(data[part.begin : part.end], part.encoding).data if _is_packed(part) else b""
        unpacked = unpack_tnef(octets) if octets else None
        if unpacked is None or not (unpacked.files or unpacked.text or unpacked.html):
            left.append(part)
            continue
        warnings.append("tnef:unpacked")
        if unpacked.damaged:
            warnings.append("tnef:damaged")
        found.append(unpacked)
    bodies.attached = left
    return found


def files_of(packed: list[Unpacked]) -> list[LooseFile]:
    """The files that were packed, in order."""
    return [
        LooseFile(file.name, file.data, file.media_type or media_type_of(file.name), file.content_id or None)
        for each in packed
        for file in each.files
    ]


def _is_packed(part: Part) -> bool:
    if part.type in TNEF_TYPES:
        return True
    name = part.disposition.parameters.get("filename") or part.content_type.parameters.get("name") or ""
    return name.lower() == "winmail.dat"

"""Telephone numbers as E.164."""

import re

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    parse,
)

_WITHHELD = {
    "anonymous", "unknown", "private", "restricted", "unavailable", "withheld", "blocked", "null", "none", "-1",
    # what Twilio gives for them: the words dialled on a telephone's keys
    "+266696687", "+7378742883", "+2562533", "+8656696", "+86282452253",
}  # fmt: skip
_SCHEME = re.compile(r"(?:sips?|tel|whatsapp|messenger|rcs|client):", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[\d\s().\-/]{2,40}")
_LONGEST = 200
_EXTENSION_DIGITS = 6
_NANP_DIGITS = 10
_NANP = frozenset(COUNTRY_CODE_TO_REGION_CODE[1])


def canonical_number(text: str, region: str | None) -> str:
    """`text` in E.164 where it is a number that can be dialled from anywhere; an extension, a short code, a SIP name
    or what cannot be read as it is; empty when the caller withheld it.

    Digits without `+` or leading zeros are taken as international, as most systems write them; in North America ten
    digits are a national number.
    """
    bare = _SCHEME.sub("", text.strip()[:_LONGEST]).strip("<> ")
    if "@" in bare:  # a SIP address: the user part may be a number
        user = bare.partition("@")[0]
        bare = user if _NUMBER.fullmatch(user) and len(user) > _EXTENSION_DIGITS else bare
    if bare.lower() in _WITHHELD or not bare:
        return ""
    if not _NUMBER.fullmatch(bare):
        return bare
    digits = re.sub(r"\D", "", bare)
    if bare.startswith("+") or digits.startswith("00"):
        digits = digits if bare.startswith("+") else digits[2:]
        return _formatted(f"+{digits}", None) or f"+{digits}"
    if len(digits) <= _EXTENSION_DIGITS:
        return digits
    if digits.startswith("0") or (len(digits) == _NANP_DIGITS and region in _NANP):
        return (_formatted(digits, region) if region else "") or digits
    return _formatted(f"+{digits}", None) or digits


def _formatted(text: str, region: str | None) -> str:
    try:
        number = parse(text, region)
    except NumberParseException:
        return ""
    return format_number(number, PhoneNumberFormat.E164) if is_possible_number(number) else ""

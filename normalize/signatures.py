"""Whether a signature fits: RSA with PKCS #1 v1.5 (RFC 8017 §8.2.2) and Ed25519 (RFC 8032 §5.1.7). Public keys only."""

import hashlib

_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest in a signature (RFC 8017 §9.2)."""
_LEAST_BITS, _MOST_BITS = 1024, 8192
_Q = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _Q) % _Q
_I = pow(2, (_Q - 1) // 4, _Q)
Point = tuple[int, int, int, int]


def rsa_verifies(key: bytes, digest: bytes, signature: bytes) -> bool:
    """`key`: a SubjectPublicKeyInfo or a bare RSAPublicKey, in DER. Keys below 1,024 bits fit nothing (RFC 8301)."""
    numbers = _rsa_numbers(key)
    if numbers is None:
        return False
    modulus, exponent = numbers
    size = (modulus.bit_length() + 7) // 8
    if not _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS or len(signature) != size or exponent > 2**64:
        return False
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(_SHA256) - len(digest)) + b"\x00" + _SHA256 + digest
    return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big") == padded


def _rsa_numbers(key: bytes) -> tuple[int, int] | None:
    try:
        content, _ = _der(key, 0, 0x30)
        if content[:1] == b"\x30":  # an algorithm in front: the key is in the bit string behind it
            _, after = _der(content, 0, 0x30)
            bits, _ = _der(content, after, 0x03)
            content, _ = _der(bits[1:], 0, 0x30)
        modulus, after = _der(content, 0, 0x02)
        exponent, _ = _der(content, after, 0x02)
    except (IndexError, ValueError):
        return None
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _der(data: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """The content of the element at `at`, and where it ends."""
    if data[at] != tag:
        raise ValueError(tag)
    length = data[at + 1]
    at += 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 3:
            raise ValueError(length)
        length = int.from_bytes(data[at : at + octets], "big")
        at += octets
    if at + length > len(data):
        raise ValueError(length)
    return data[at : at + length], at + length


def ed25519_verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """`key`: 32 bytes. Some milliseconds: for the few signatures of one mail."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, commitment = _point(key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    left, right = _times(scalar, _BASE), _plus(commitment, _times(challenge, public))
    return not ((left[0] * right[2] - right[0] * left[2]) % _Q or (left[1] * right[2] - right[1] * left[2]) % _Q)


def _point(octets: bytes) -> Point | None:
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _Q:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _Q) % _Q
    x = pow(square, (_Q + 3) // 8, _Q)
    if (x * x - square) % _Q:
        x = x * _I % _Q
    if (x * x - square) % _Q or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _Q - x
    return x, y, 1, x * y % _Q


def _plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _Q, (p[1] + p[0]) * (q[1] + q[0]) % _Q
    c, d = 2 * p[3] * q[3] * _D % _Q, 2 * p[2] * q[2] % _Q
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _Q, g * h % _Q, f * g % _Q, e * h % _Q


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        scalar >>= 1
    return total


_BASE_Y = 4 * pow(5, -1, _Q) % _Q
_base = _point(_BASE_Y.to_bytes(32, "little"))
assert _base is not None
_BASE: Point = _base

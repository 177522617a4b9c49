"""The hash by which Kafka's Java clients place keys (murmur2, org.apache.kafka.common.utils.Utils): a word at a time.

aiokafka has the same byte by byte, in twice the time, and every record of the desk has a key.
"""

from functools import lru_cache
from struct import unpack_from

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash, as an unsigned 32-bit number."""
    size = len(data)
    words = size >> 2
    h = _SEED ^ size
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if rest := data[words * 4 :]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=16_384)
def _hash(key: str) -> int:
    return murmur2(key.encode()) & 0x7FFFFFFF


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, the same as every Java client's."""
    return _hash(key) % partitions if partitions > 1 else 0

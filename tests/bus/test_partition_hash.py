"""Keys are placed where every other client of Kafka places them."""

from aiokafka.partitioner import murmur2 as by_bytes
from hypothesis import given
from hypothesis import strategies as st

from bus.partition_hash import murmur2, partition_of


@given(st.binary(max_size=70))
def test_the_hash_is_that_of_the_java_clients(data: bytes) -> None:
    assert murmur2(data) == by_bytes(data) & 0xFFFFFFFF


def test_known_values() -> None:
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {data: murmur2(data) - (1 << 32 if murmur2(data) >> 31 else 0) for data in known} == known


@given(st.text(max_size=40), st.integers(1, 50))
def test_a_key_has_one_partition(key: str, partitions: int) -> None:
    assert partition_of(key, partitions) == (by_bytes(key.encode()) & 0x7FFFFFFF) % partitions

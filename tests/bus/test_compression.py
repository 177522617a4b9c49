"""What is published is compressed at our level, by the encoder that the library itself uses."""

import random

import cramjam
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from bus.compression import LEVEL
from bus.kafka_settings import KafkaSettings
from bus.publisher import producer_options


def batch(value: bytes) -> bytes:
    """A record batch as a producer makes it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=4,
        is_transactional=False,
        producer_id=1,
        producer_epoch=1,
        base_sequence=0,
        batch_size=1 << 20,
    )
    builder.append(0, timestamp=0, key=None, value=value, headers=[])
    return bytes(builder.build())


@pytest.mark.parametrize("seed", range(3))
def test_batches_are_compressed_at_our_level(seed: int) -> None:
    producer_options(KafkaSettings())
    words = [f"{random.Random(n).random():.3f}" for n in range(400)]
    value = " ".join(random.Random(seed).choices(words, k=4_000)).encode()
    made = batch(value)
    body = made[made.index(b"\x28\xb5\x2f\xfd") :]
    plain = cramjam.zstd.decompress(body).read()
    assert body == bytes(cramjam.zstd.compress(plain, level=LEVEL))
    assert body != bytes(cramjam.zstd.compress(plain, level=3))

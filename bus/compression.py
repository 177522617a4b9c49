"""How hard is compressed what goes on the topics.

On mails zstd's level 1 costs two thirds of its level 3, the library's choice, and leaves them 1 % larger.
"""

from aiokafka.codec import zstd_encode

LEVEL = 1


def compress_lightly() -> None:
    """From now on this process's producers compress at LEVEL. aiokafka has no option for it: its encoder's default is
    the one place that decides."""
    zstd_encode.__defaults__ = (LEVEL,)

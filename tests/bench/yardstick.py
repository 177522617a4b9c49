"""The standard library's reading of the same mails: what every figure is held against."""

import email
import time
from collections.abc import Sequence
from email.policy import default

from tests.mails.generator import GeneratedMail


def standard_library_us(mails: Sequence[GeneratedMail]) -> float:
    """Microseconds of CPU per mail for `message_from_bytes(policy=default)` and `get_body()`."""
    began = time.process_time()
    for mail in mails:
        body = email.message_from_bytes(mail.data, policy=default).get_body()
        assert body is not None
    return (time.process_time() - began) / len(mails) * 1e6

"""Which normalizer reads which channel."""

from collections.abc import Mapping

from bus.message import Channel
from normalize.mail import normalize_mail
from normalize.outcome import Normalize

NORMALIZERS: Mapping[Channel, Normalize] = {"email": normalize_mail}
"""Channels that are not here have no normalizer yet."""

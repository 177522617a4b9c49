"""Which files an answer may have with it, by channel: an agent is told at once, not by a receipt."""

import pytest

from bus.message import Channel
from ticketing.channels import Visibility, files_refused

PICTURE, PAPER = ("image/png", 1_000), ("application/pdf", 1_000)


@pytest.mark.parametrize(
    ("channel", "visibility", "files", "said"),
    [
        ("email", "private", [PAPER] * 20, None),
        ("forum", "public", [PAPER, PICTURE], None),
        ("x", "public", [PICTURE] * 4, None),
        ("x", "public", [PICTURE] * 5, "at most 4"),
        ("x", "public", [PAPER], "pictures only"),
        ("x", "public", [("image/png", 6 * 1024 * 1024)], "at most 5242880 bytes"),
        ("x", "private", [PICTURE] * 2, "at most 1"),
        ("facebook", "public", [PICTURE], None),
        ("facebook", "private", [PICTURE], "no files"),
        ("chat", "private", [PICTURE], "no files"),
        ("chat", "private", [], None),
    ],
)
def test_files_go_along_as_far_as_the_channel_takes_them(
    channel: Channel, visibility: Visibility, files: list[tuple[str, int]], said: str | None
) -> None:
    refused = files_refused(channel, visibility, files)
    assert (refused is None) == (said is None)
    assert said is None or said in str(refused)

"""Parameters and dates of every make (normalize/parameters.py, normalize/dates.py)."""

from datetime import UTC, datetime

import pytest

from normalize.dates import parse_date
from normalize.parameters import parse_parameters


@pytest.mark.parametrize(
    ("field", "value", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('text/plain; charset="utf-8"; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("attachment; filename=my file.pdf", "attachment", {"filename": "my file.pdf"}),
        ('attachment; filename="never closed', "attachment", {"filename": "never closed"}),
        ('attachment; filename="a;b.txt"', "attachment", {"filename": "a;b.txt"}),
        ('multipart/mixed boundary="x"', "multipart/mixed", {"boundary": "x"}),
        ("attachment; filename==?utf-8?B?w6k=?=", "attachment", {"filename": "é"}),
        ('attachment; filename="=?utf-8?B?w6k=?="', "attachment", {"filename": "é"}),
        ("a/b; name*=utf-8''%C3%A9.txt", "a/b", {"name": "é.txt"}),
        ("a/b; name*1*=%A9.txt; name*0*=utf-8''%C3", "a/b", {"name": "é.txt"}),
        ("a/b; name*0=one; name*1=two", "a/b", {"name": "onetwo"}),
        ("a/b; name=plain; name*=utf-8''better", "a/b", {"name": "better"}),
        ("text/plain, charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ("text / plain; name=a.txt, size=5", "text/plain", {"name": "a.txt", "size": "5"}),
        ("a/b; name==?utf-8?B?w6k=?=; x", "a/b", {"name": "é"}),
        ("a/b; name*=%C3%A9.txt", "a/b", {"name": "é.txt"}),
        ("a/b; name*0*=iso-2022-jp''%1B$B; name*1*=%24%5E%1B(B", "a/b", {"name": "ま"}),
        ("", "", {}),
    ],
)
def test_parameters(field: str, value: str, parameters: dict[str, str]) -> None:
    assert parse_parameters(field) == (value, parameters)


@pytest.mark.parametrize(
    "field",
    [
        "Tue, 3 Nov 2026 10:11:12 +0100",
        "3 Nov 2026 09:11:12 GMT",
        "Tue, 03 Nov 26 04:11:12 EST",
        "Tue Nov  3 09:11:12 2026",
        "2026-11-03T10:11:12+01:00",
        "2026-11-03 09:11:12",
        "Tue, 3 Nov 2026 10:11:12 +0100 (CET)",
        " tue, 3 nov 2026 09:11:12 -0000",
        "Tue , 3 Nov 2026 10:11:12 +01:00",
        "Tue, 3 Nov 2026 10:11:12 CET",
        "Tue, 3 Nov 2026 18:11:12 JST",
        "Tue, 3 Nov 126 09:11:12 +0000",
        "Tue, 3 Nov 2026 09(comment): 11 : 12 GMT",
    ],
)
def test_dates(field: str) -> None:
    assert parse_date(field) == datetime(2026, 11, 3, 9, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "field", ["", "yesterday", "32 Foo 2026 10:00:00 +0000", "3 Nov 0001 00:00:00 +2300", "(" * 500]
)
def test_no_dates(field: str) -> None:
    assert parse_date(field) is None

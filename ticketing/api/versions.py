"""A ticket's version as its ETag, and `If-Match` before it is changed (RFC 9110 §13.1.1). Pure."""

import re
from typing import Annotated, Final

from fastapi import Header

from ticketing.api.problems import FieldProblem, Refused

_ETAG: Final = re.compile(r'"([1-9][0-9]{0,8})"')

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^"[1-9][0-9]{0,8}"$',
        description="The ETag of the ticket as it was looked at; when it has changed meanwhile nothing is done.",
    ),
]


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def version_of(if_match: str) -> int:
    """The version that `If-Match` names. Raises Refused for another form: whoever changes a ticket has seen one."""
    found = _ETAG.fullmatch(if_match)
    if found is None:
        error = FieldProblem(where=["header", "If-Match"], detail='is one ETag, such as "17"')
        raise Refused("invalid", "some values do not fit", errors=[error])
    return int(found[1])

"""Who asks, and whether he may: a bearer token on every request (RFC 6750), nothing else.

No cookie is ever read or set, so another site's page in an agent's browser can do nothing here (no CSRF), and a
token in the URL is not looked at, so none ends up in the log of a proxy.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine

from ticketing.api.problems import Refused
from ticketing.people.policy import Permission, Who, may, reach
from ticketing.people.store import who_holds

BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="token", description="An API token, or what a login gave (docs/api.md)."
)
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="deskstream"'}

Dependency = Callable[..., Awaitable[Who]]


class Access:
    """Tells who asks, from the desk's tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def anybody(self) -> Any:  # noqa: ANN401  # what fastapi.Depends gives
        """A dependency: somebody known, whatever he may."""
        return Depends(self._identified())

    def needs(self, permission: Permission) -> Any:  # noqa: ANN401  # as above
        """A dependency: somebody who may do this in some department at least.

        Raises Refused: `unauthorized` without a good token, `forbidden` without the permission.
        """
        return Depends(self.dependency(permission))

    def dependency(self, permission: Permission) -> Dependency:
        """What `needs` depends on; for routers of other packages."""
        identified = self._identified()

        async def allowed(who: Annotated[Who, Depends(identified)]) -> Who:
            if not may(who, permission):
                raise Refused("forbidden", f"this needs the permission {permission}")
            return who

        return allowed

    def _identified(self) -> Dependency:
        return self._who

    async def _who(self, given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Who:
        if given is None or not given.credentials.isascii() or len(given.credentials) > 500:
            raise Refused("unauthorized", "give a token: `Authorization: Bearer …`", headers=_CHALLENGE)
        async with self._engine.connect() as connection:
            who = await who_holds(connection, given.credentials)
        if who is None:
            headers = {"WWW-Authenticate": f'{_CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'}
            raise Refused("unauthorized", "this token is not known, is over, or was revoked", headers=headers)
        return who


def visible(who: Who, column: str = "t.department") -> tuple[str, dict[str, object]]:
    """The condition that leaves what `who` may see, for a WHERE, and its values. `column`: one of our own names."""
    where = reach(who, Permission.SEE_TICKETS)
    if where is None:
        return "true", {}
    return f"{column} = ANY(CAST(:visible AS text[]))", {"visible": sorted(where)}

"""Customers: contacts looked up, made, edited, merged and taken apart again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from bus.ticket_event import Actor
from ticketing import contact_editing, contact_store
from ticketing.api.contact_list import contact_page, one_contact, suggestions
from ticketing.api.contact_models import (
    Contact,
    ContactEdit,
    ContactPage,
    ContactQuery,
    GivenIdentity,
    Into,
    Marked,
    NewContact,
    Sharing,
    Suggestions,
    To,
)
from ticketing.api.cursors import CursorQuery, LimitQuery
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.api.versions import IfMatch, etag, version_of
from ticketing.contact_acts import Act
from ticketing.people.policy import Permission, Who

ContactPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The contact's id.")]
Does = Callable[[Act], Awaitable[str]]
"""Does an act on a contact; the id of the contact to show."""


Answers = dict[int | str, dict[str, Any]]


def contact_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter()
    _looks(inside, router)
    _contact_acts(inside, router)
    return router


_ETAG: Answers = {
    200: {"headers": {"ETag": {"description": "Its version, for If-Match.", "schema": {"type": "string"}}}}
}
_KEYED = declared("malformed", "busy")
_KEYED_ONE = declared("malformed", "busy", "unknown")


def _looks(inside: Inside, router: APIRouter) -> None:
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_CONTACTS)]  # noqa: N806  # a type

    @router.get("/contacts", tags=["contacts"], response_model=ContactPage)
    async def list_contacts(who: Seeing, asked: Annotated[ContactQuery, Query()]) -> Response:  # noqa: ARG001
        """Contacts, the newest first, found while a name, address, number or account is typed."""
        async with inside.look() as connection:
            return as_json(await contact_page(connection, asked))

    @router.get("/contacts/suggestions", tags=["contacts"])
    async def suggest_mergers(who: Seeing, limit: LimitQuery = 50, cursor: CursorQuery = None) -> Suggestions:  # noqa: ARG001
        """Contacts that may be one person, with the evidence. Nothing joins them by itself."""
        async with inside.look() as connection:
            return await suggestions(connection, limit, cursor)

    @router.get(
        "/contacts/{contact}", tags=["contacts"], response_model=Contact, responses={**_ETAG, **declared("unknown")}
    )
    async def show_contact(who: Seeing, contact: ContactPath) -> Response:  # noqa: ARG001
        """One contact, with all by which it is known. One that is part of another says so in `merged_into`."""
        return await _shown(inside, contact)


def _contact_acts(inside: Inside, router: APIRouter) -> None:
    Editing = Annotated[Who, inside.access.needs(Permission.EDIT_CONTACTS)]  # noqa: N806  # a type
    engine = inside.acting

    async def once(request: Request, who: Who, key: str, does: Does, *, status: int = 200) -> Response:
        async def do(cause: str) -> Response:
            id_ = await does(act_of(who, cause))
            return await _shown(inside, id_, status=status)

        return await inside.once.answer(request, who, key, do)

    made: Answers = {201: _ETAG[200], **_KEYED}

    @router.post("/contacts", tags=["contacts"], status_code=201, response_model=Contact, responses=made)
    async def create_contact(request: Request, who: Editing, key: KeyHeader, given: NewContact) -> Response:
        """Make a contact. Refused when somebody is known by one of its addresses already."""
        known = [each.known for each in given.identities]

        return await once(
            request,
            who,
            key,
            lambda act: contact_editing.create(
                engine, act, name=given.name, language=given.language, account=given.account, identities=known
            ),
            status=201,
        )

    changed = {**_ETAG, **_KEYED_ONE}
    versioned = {**changed, **declared("stale", "version-required")}

    @router.post("/contacts/{contact}/update", tags=["contacts"], response_model=Contact, responses=versioned)
    async def update_contact(
        request: Request, who: Editing, contact: ContactPath, key: KeyHeader, if_match: IfMatch, given: ContactEdit
    ) -> Response:
        """Change a contact's name or language. Its tickets show the new name."""
        fields = {name: getattr(given, name) for name in given.model_fields_set}
        version = version_of(if_match)

        return await once(
            request, who, key, lambda act: contact_editing.edit(engine, contact, fields, act, version=version)
        )

    @router.post("/contacts/{contact}/identify", tags=["contacts"], response_model=Contact, responses=changed)
    async def identify_contact(
        request: Request, who: Editing, contact: ContactPath, key: KeyHeader, given: GivenIdentity
    ) -> Response:
        """Add an address, number or user id by which a contact is known."""

        return await once(request, who, key, lambda act: contact_editing.identify(engine, contact, given.known, act))

    @router.post("/contacts/{contact}/merge", tags=["contacts"], response_model=Contact, responses=changed)
    async def merge_contact(
        request: Request, who: Editing, contact: ContactPath, key: KeyHeader, given: Into
    ) -> Response:
        """Make a contact part of another, which is answered. Its tickets and figures follow; `unmerge` undoes it."""
        await _must_be_there(inside, contact)

        return await once(request, who, key, lambda act: contact_store.merge(engine, contact, given.into, act))

    @router.post("/contacts/{contact}/unmerge", tags=["contacts"], response_model=Contact, responses=changed)
    async def unmerge_contact(request: Request, who: Editing, contact: ContactPath, key: KeyHeader) -> Response:
        """Undo a merger: the contact is itself again, with what came in under its addresses meanwhile."""
        await _must_be_there(inside, contact)

        return await once(request, who, key, lambda act: contact_store.unmerge(engine, contact, act))

    @router.post("/contacts/{contact}/move", tags=["contacts"], response_model=Contact, responses=changed)
    async def move_contact(request: Request, who: Editing, contact: ContactPath, key: KeyHeader, given: To) -> Response:
        """Move a contact to an account, or out of all. Its tickets keep the account they were opened under."""
        await _must_be_there(inside, contact)

        return await once(
            request, who, key, lambda act: contact_store.move(engine, contact, given.account, act, new=given.new)
        )

    @router.post("/identities/share", tags=["contacts"], response_model=Marked, responses=_KEYED)
    async def share_identity(request: Request, who: Editing, key: KeyHeader, given: Sharing) -> Response:
        """Say whether several people use an address or number: then it ties nobody to anybody any more."""

        async def do(_: str) -> Response:
            count = await contact_store.mark(engine, given.address, kind=given.kind, identifying=not given.shared)
            return as_json(Marked(marked=count))

        return await inside.once.answer(request, who, key, do)


async def _shown(inside: Inside, contact: str, *, status: int = 200) -> Response:
    async with inside.look() as connection:
        found = await one_contact(connection, contact)
    return as_json(found, status=status, headers={"ETag": etag(found.version)})


async def _must_be_there(inside: Inside, contact: str) -> None:
    """Raises Unknown; the acts themselves would also take an address for a contact."""
    async with inside.look() as connection:
        await one_contact(connection, contact)


def act_of(who: Who, cause: str) -> Act:
    """An act on contacts, now, by whoever asks."""
    return Act(Actor(kind="agent", id=who.agent_id), cause, datetime.now(UTC))

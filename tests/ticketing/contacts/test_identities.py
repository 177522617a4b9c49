"""What ties an identity to a contact, and what is only a suggestion. The pure part alone."""

import itertools
from datetime import UTC, datetime

import pytest

from bus.message import Author, Identity, NormalizedMessage
from bus.record import Received
from tests.ticketing.filing.said import TOKENS
from ticketing.contacts import About, Contacts, People
from ticketing.decode import decode
from ticketing.identities import is_role, mailbox_of
from ticketing.incoming import Incoming
from ticketing.policy import Policy

NOW = datetime(2026, 3, 2, tzinfo=UTC)
_COUNT = itertools.count()


def posted(kind: str, address: str, *also: Identity, verified: bool = True, language: str | None = None) -> Incoming:
    message = NormalizedMessage.model_validate(
        {
            "message_id": f"m{next(_COUNT)}",
            "normalizer": "test 1",
            "channel": {"email": "email", "phone": "phone"}.get(kind, kind),
            "account": "a",
            "source_id": "s",
            "author": Author.model_validate({"kind": kind, "address": address, "verified": verified, "also": also}),
            "language": language,
            "received_at": NOW,
        }
    )
    found = decode(Received("t", 0, 0, None, message.to_json(), 0), TOKENS, Policy())
    assert isinstance(found, Incoming)
    return found


def mail(address: str, *, verified: bool = True) -> Identity:
    return Identity(kind="email", address=address, verified=verified)


def contacts(people: People | None = None) -> Contacts:
    ids = itertools.count(1)
    return Contacts({}, lambda: f"c{next(ids)}", people)


def file(known: Contacts, *messages: Incoming) -> list[str]:
    found = []
    for message in messages:
        found.append(known.of(message))
        known.hear(message)
    return found


ANN_FORUM = ("forum", "17", mail("ann@x.example"))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_vouched_for_address_ties_two_identities_in_either_order(order: tuple[int, int]) -> None:
    messages = [posted(*ANN_FORUM), posted("email", "Ann@x.example")]
    known = contacts()
    assert len(set(file(known, *(messages[at] for at in order)))) == 1
    assert len(known.new) == 1
    assert [(said.kind, said.ties) for said in known.assertions.values()] == [(("email", "forum")[order[0]], True)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (posted("forum", "17", mail("ann@x.example")), posted("forum", "18", mail("ann@x.example"))),
        (posted("x", "17", mail("ann@x.example")), posted("facebook", "99", mail("ann@x.example"))),
        (
            posted("x", "17", Identity(kind="phone", address="+31201234567", verified=True)),
            posted("x", "18", Identity(kind="phone", address="+31201234567", verified=True)),
        ),
    ],
)
def test_two_provider_ids_never_merge_by_what_they_share(first: Incoming, second: Incoming) -> None:
    known = contacts()
    one, other = file(known, first, second)
    assert one != other
    [claim] = [said for said in known.assertions.values() if not said.ties]
    assert claim.contact_id == other


@pytest.mark.parametrize(
    "author",
    [
        posted("chat", "v1", mail("ann@x.example", verified=False)),  # typed
        posted("forum", "17", mail("ann@x.example"), verified=False),  # nobody vouches for the author
        posted("forum", "17", mail("info@x.example")),  # an office's
    ],
)
def test_what_nobody_vouches_for_is_a_claim(author: Incoming) -> None:
    address = author.author.also[0].address
    known = contacts()
    owner, claimant = file(known, posted("email", address), author)
    assert owner != claimant
    assert [said.ties for said in known.assertions.values()] == [False]


def test_a_typed_address_that_nobody_has_is_given_to_nobody() -> None:
    known = contacts()
    visitor, customer = file(
        known, posted("chat", "v1", mail("ann@x.example", verified=False)), posted("email", "ann@x.example")
    )
    assert visitor != customer


def test_a_shared_phone_ties_nobody() -> None:
    phone = Identity(kind="phone", address="+31201234567", verified=True)
    people = People(
        own={"phone:+31201234567": "reception"},
        roots={"reception": "reception"},
        about={"reception": About()},
        shared=frozenset({"phone:+31201234567"}),
    )
    known = contacts(people)
    assert file(known, posted("forum", "17", phone)) == ["c1"]
    assert [(said.contact_id, said.ties) for said in known.assertions.values()] == [("c1", False)]


def test_contacts_that_exist_are_not_merged_by_what_a_channel_says() -> None:
    people = People(
        own={"forum:17": "f", "ann@x.example": "e"},
        roots={"f": "f", "e": "e"},
        about={"f": About(providers=frozenset({("forum", "17")})), "e": About()},
    )
    known = contacts(people)
    assert file(known, posted(*ANN_FORUM)) == ["f"]
    assert [(said.contact_id, said.value, said.ties) for said in known.assertions.values()] == [
        ("f", "ann@x.example", False)
    ]
    assert not known.grown


def test_a_merged_contact_is_followed_and_keeps_its_identities() -> None:
    people = People(own={"ann@x.example": "old"}, roots={"old": "new"}, about={"new": About()})
    known = contacts(people)
    message = posted("email", "ann@x.example")
    assert (known.own(message), known.of(message)) == ("old", "new")


def test_the_language_of_the_latest_conversation_unless_one_was_set() -> None:
    for declared, expected in ((False, {"c": "fr"}), (True, {})):
        about = About(language="nl", language_declared=declared)
        known = contacts(People(own={"ann@x.example": "c"}, roots={"c": "c"}, about={"c": about}))
        file(known, posted("email", "ann@x.example", language="fr"))
        assert known.languages == expected


@pytest.mark.parametrize(
    ("value", "role"),
    [
        ("info@x.example", True),
        ("Sales+eu@x.example", True),
        ("ann@x.example", False),
        ("information@x.example", False),
    ],
)
def test_role_addresses(value: str, role: bool) -> None:
    assert is_role("email", value) is role


@pytest.mark.parametrize(
    ("value", "mailbox"),
    [
        ("Ann+shop@x.example", "ann@x.example"),
        ("a.n.n+1@gmail.com", "ann@gmail.com"),
        ("a.nn@googlemail.com", "ann@gmail.com"),
        ("a.n.n@x.example", "a.n.n@x.example"),
        ("+@x.example", "+@x.example"),
        ("nothing", "nothing"),
    ],
)
def test_one_mailbox_under_all_its_spellings(value: str, mailbox: str) -> None:
    assert mailbox_of("email", value) == mailbox

"""An agent's answer to the customer."""

from typing import Annotated

from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.message import Channel
from bus.reply import Recipient, Reply, ReplyAttachment
from bus.ticket_event_data import Replied, Updated
from ticketing.acts.answered import MAILABLE, Correspondence, Way, reply_subject, way
from ticketing.acts.correspondence import correspondence
from ticketing.acts.files import File
from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.mail_account import mail_account
from ticketing.acts.participants import let_in
from ticketing.acts.plain import in_html, plain, safe
from ticketing.acts.scene import Scene
from ticketing.acts.tables import answers
from ticketing.channels import LONGEST_MAIL, files_refused, longest
from ticketing.confirm import reply_id
from ticketing.identities import mailbox_of
from ticketing.outbox import Told
from ticketing.people.policy import Permission
from ticketing.ratings.asking import below
from ticketing.tokens import for_body

_PURPOSE = "reply"
_MOST_BYTES = 700_000
"""A record of Kafka holds 1 MiB."""
Address = Annotated[str, Field(max_length=254, pattern=f"^{MAILABLE.pattern}$")]


class Answer(Input):
    """`text`, or `html` of which the text is made where there is none. `public`: everybody may read it, where the
    customer wrote in public. `cc`: mail addresses that become participants. `via`: the channel, where the customer's
    own is not wanted. `signed`: with the agent's or the department's signature."""

    text: str | None = Field(default=None, min_length=1, max_length=LONGEST_MAIL)
    html: str | None = Field(default=None, min_length=1, max_length=LONGEST_MAIL)
    public: bool = False
    cc: list[Address] = Field(default=[], max_length=20)
    attachments: list[File] = Field(default=[], max_length=50)
    via: Channel | None = None
    signed: bool = True

    @model_validator(mode="after")
    def _something(self) -> "Answer":
        if self.text is None and self.html is None:
            raise ValueError("write a text, or HTML")
        return self


async def read(connection: AsyncConnection, asked: Asked[Answer]) -> Correspondence:
    """Whom it goes to, and as whom."""
    return await correspondence(connection, asked.ticket_id, asked.who.agent_id)


def decide(scene: Scene[Correspondence], given: Answer) -> None:
    """Send it."""
    found, ticket = scene.facts, scene.ticket
    by_mail = mail_account(scene.desk, ticket, found)
    there = way(found, by_mail, public=given.public, by=given.via)
    text, html = _written(given)
    most = longest(there.channel, there.visibility)
    if len(text) > most or len(text.encode()) + len((html or "").encode()) > _MOST_BYTES:
        raise Invalid(f"{len(text)} characters are too many: {there.channel} takes {most}")
    files = [(file.media_type, file.size) for file in given.attachments]
    if (refused := files_refused(there.channel, there.visibility, files)) is not None:
        raise Invalid(refused)
    asks = found.sender.rating == "each_reply"
    main = _reply(scene, given, there, text, html, scene.act.key, asks=asks)
    others = _others(scene, given, there)
    account = there.account if there.channel == "email" else found.sender.reply_via or by_mail
    if given.cc and account is None:
        raise Invalid("no connector sends mail for this ticket, so nobody can be in copy")
    copies = [
        _reply(scene, given, _copy(there, account, address), text, html, f"{scene.act.key}\0{address}", asks=False)
        for address in (others if account is not None else ())
    ]
    whole = _everybody(main, copies)
    scene.decision.replies += [Told(reply) for reply in whole]
    scene.write(
        answers,
        id=main.reply_id,
        ticket_id=ticket.id,
        agent_id=scene.who.agent_id,
        channel=there.channel,
        visibility=there.visibility,
        text=text,
        html=html,
        attachments=[file.model_dump() for file in given.attachments],
        copies=[copy.reply_id for copy in copies],
        created_at=scene.now,
    )
    for address in given.cc:
        let_in(scene, address)
    if given.cc:
        scene.tell("ticket.updated", Updated(fields={"participants": None}))
    ticket.replies += 1
    replied = Replied(
        reply_id=main.reply_id, agent_id=scene.who.agent_id, visibility=there.visibility, channel=there.channel
    )
    scene.tell("ticket.replied", replied)


def _written(given: Answer) -> tuple[str, str | None]:
    html = safe(given.html) if given.html is not None else None
    text = given.text if given.text is not None else plain(html or "")
    if not text.strip():
        raise Invalid("nothing is left of the HTML that could be read")
    return text, html


def _others(scene: Scene[Correspondence], given: Answer, there: Way) -> list[str]:
    """Whom else it goes to, each address once; never to ourselves, which would be a loop."""
    found: dict[str, str] = {}
    for address in (*scene.facts.participants, *given.cc):
        mailbox = mailbox_of("email", address)
        if mailbox in scene.desk.confirming.own:
            if address in given.cc:
                raise Invalid(f"{address} is the desk's own address")
            continue
        found.setdefault(mailbox, address)
    found.pop(mailbox_of(there.kind, there.address), None)
    return list(found.values())


def _copy(there: Way, account: str | None, address: str) -> Way:
    assert account is not None
    by_mail = there.channel == "email"
    answers, chain = (there.in_reply_to, there.references) if by_mail else (None, ())
    return Way("email", account, "email", address, None, "private", answers, chain, None)


def _reply(
    scene: Scene[Correspondence], given: Answer, there: Way, text: str, html: str | None, cause: str, *, asks: bool
) -> Reply:
    ticket, sender, desk = scene.ticket, scene.facts.sender, scene.desk.confirming
    mail = there.channel == "email"
    token = desk.tokens.sign(ticket.id, there.address, ticket.token_generation)
    id_ = reply_id(ticket.id, _PURPOSE, cause)
    language = scene.facts.last.language if scene.facts.last else ticket.language
    shown, page = text, html if mail else None
    if mail and given.signed:
        signature = sender.signature or desk.desk.name
        shown = f"{text}\n\n-- \n{signature}"
        page = page and f"{page}\n<p>-- <br>\n{in_html(signature)}</p>"
    elif there.thread is None and there.visibility == "private" and not mail:
        # nothing else of it would come back with an answer
        shown = f"{text}\n\n{for_body(token)}"
    question = below(scene.desk, ticket, id_, language) if asks and there.visibility == "private" else None
    if question is not None and len(shown) + len("".join(question)) + 3 <= longest(there.channel, there.visibility):
        words, where = question
        shown = f"{shown}\n\n{words}\n{where}"
        page = page and f'{page}\n<p>{in_html(words)}<br>\n<a href="{where}">{where}</a></p>'
    local = desk.tokens.message_id(ticket.id, _PURPOSE, cause)
    return Reply(
        reply_id=id_,
        ticket_id=ticket.id,
        number=ticket.number,
        channel=there.channel,
        account=there.account,
        purpose=_PURPOSE,
        created_at=scene.now,
        recipient=Recipient(kind=there.kind, address=there.address, name=there.name),
        from_address=sender.from_address if mail else None,
        from_name=(sender.from_name or desk.desk.name) if mail else None,
        reply_token=token,
        subject=reply_subject(ticket.subject, ticket.number) if mail else None,
        text=shown,
        html=page,
        language=language,
        message_id=f"{local}@{desk.desk.domain}" if mail else None,
        in_reply_to=there.in_reply_to,
        references=list(there.references),
        provider_thread=there.thread,
        visibility=there.visibility,
        attachments=[
            ReplyAttachment(name=file.name, media_type=file.media_type, blob=file.blob, size=file.size)
            for file in given.attachments
        ],
    )


def _everybody(main: Reply, copies: list[Reply]) -> list[Reply]:
    """Each with the others shown as in copy, where all of them have a mail."""
    if main.channel != "email" or not copies:
        return [main, *copies]
    cc = [copy.recipient for copy in copies]
    everybody = [main.recipient, *cc]
    shown = [each.model_copy(update={"cc": [one for one in everybody if one != each.recipient]}) for each in copies]
    return [main.model_copy(update={"cc": cc}), *shown]


REPLY = ActKind(
    name="reply",
    summary="Answer the customer, where he wrote or by mail.",
    permission=Permission.WORK_TICKETS,
    input=Answer,
    read=read,
    decide=decide,
)

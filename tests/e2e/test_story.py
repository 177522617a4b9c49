"""The whole life of a customer's matter, as one story: mail, call and chat, two agents, a late answer, a rating."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Mailbox
from tests.e2e.desk_story import Story, chat_line, configure, missed_call, way_out
from tests.e2e.running import running
from ticketing.acts.errors import Stale

pytestmark = pytest.mark.stack

SUE, TOM = "sue", "tom"


async def test_a_customer_is_helped_by_two_agents(data: Path, greenmail: Mailbox) -> None:
    anna, carol = f"anna-{uuid4().hex[:8]}@customer.example", f"carol-{uuid4().hex[:8]}@partner.example"
    async with way_out(greenmail) as port:
        configure(data, port)
        with running(data) as up:
            story = Story(up, greenmail)
            try:
                await _told(story, anna, carol)
            finally:
                await story.engine.dispose()


async def _told(story: Story, anna: str, carol: str) -> None:
    await story.begins(SUE, TOM)

    # Anna writes a mail, and is told its number
    await story.writes("Since Monday it howls.", sender=anna, to="support@desk.example", message_id="q1")
    ticket = await story.ticket(1, status="open")
    [confirmation] = await story.inbox(anna, 1)
    assert "1" in confirmation["Subject"]

    # nobody takes her call; in the shop's chat she asks something else
    await story.brings(missed_call("+4930123456"))
    await story.ticket(2, channel="phone")
    await story.brings(chat_line("visitor-7", "Do you sell filters?"))
    await story.ticket(3, channel="chat")

    # Sue takes the matter of the pump, makes a note, and answers; Carol, who sold it, has a copy
    await story.act(SUE, "assign", 1, owner=SUE)
    await story.act(SUE, "comment", 1, text="She called as well, see #2.")
    seen = await story.act(SUE, "merge", 1, other=2)
    await story.act(SUE, "reply", 1, seen.version, text="Which pump is it?", cc=[carol])
    [_, question] = await story.inbox(anna, 2)
    [copy] = await story.inbox(carol, 1)
    assert question["Subject"] == "Re: The pump is loud [#1]"
    assert question["In-Reply-To"] == "<q1@customer.example>"
    assert question["From"].addresses[0].display_name == "Acme Support"
    assert question["Auto-Submitted"] is None
    assert question["Cc"].addresses[0].addr_spec == copy["To"].addresses[0].addr_spec == carol
    assert question["Reply-To"] != copy["Reply-To"]
    assert "via" not in str(question["From"]).lower()

    # Tom, who had looked before that, would have answered too: he is told so
    with pytest.raises(Stale):
        await story.act(TOM, "reply", 1, seen.version, text="Which pump?")

    # Sue goes on holiday; the matter waits for the manufacturer
    await story.act(SUE, "assign", 1, owner=TOM)
    await story.act(SUE, "hold", 1)

    # meanwhile Tom answers the chat where it was asked, and closes it
    await story.act(TOM, "reply", 3, text="Yes, five kinds.")
    line = await story.takes("chat")
    assert (line.recipient.address, line.provider_thread) == ("visitor-7", "window-9")
    assert line.text.startswith("Yes, five kinds.")
    await story.delivers_all("chat")
    await story.act(TOM, "close", 3)

    # Carol answers her copy, into the same ticket; Tom solves it, and closes
    await story.writes("It is model 7.", sender=carol, to=str(copy["Reply-To"]), message_id="c1")
    answered = await story.ticket(1, status="on_hold")
    await story.ticket(1, counts={**answered["counts"], "messages": 3})
    await story.act(TOM, "reopen", 1)
    await story.act(TOM, "reply", 1, html="<p>Please turn the <b>blue</b> valve.</p>")
    [_, _, solution] = await story.inbox(anna, 3)
    await story.inbox(carol, 2)
    html = solution.get_body(("html",))
    assert html is not None
    assert "<b>blue</b>" in html.get_content()
    await story.act(TOM, "close", 1)

    # she answers late: it is open again, in her name; closed once more, she says how it was
    await story.writes("It still howls a little.", sender=anna, to=str(solution["Reply-To"]), message_id="q2")
    await story.ticket(1, status="open")
    await story.act(TOM, "close", 1)
    await story.rates(solution, "good", "Kind people")

    # everything is in the history, with who did it
    history = await story.history(1)
    told = [line for line in history if not line.endswith("system")]
    assert told == [
        "1 opened customer",
        "1 message_received customer",
        "2 opened customer",
        "2 message_received customer",
        "1 assigned agent",
        "1 commented agent",
        "2 merged agent",
        "1 absorbed agent",
        "1 updated agent",
        "1 replied agent",
        "1 assigned agent",
        "1 status_changed agent",
        "1 message_received customer",
        "1 status_changed agent",
        "1 replied agent",
        "1 closed agent",
        "1 message_received customer",
        "1 reopened customer",
        "1 closed agent",
        "1 rated customer",
    ]

    # the figures are what anybody would count
    mine = await story.figures(f"contact:{ticket['contact_id']}", total=1, closed=1, happiness_good=1, reopened=1)
    assert mine["messages_by_channel.email"]["value"] >= 2
    assert mine["first_response_time.calendar"]["count"] == 1
    tom = await story.figures(f"agent:{TOM}", happiness_good=1)
    assert "happiness.bad" not in tom or tom["happiness.bad"]["value"] == 0
    await story.figures("desk", total=2, closed=2, open=0, happiness_good=1)

    # and what subscribers read is what the tables hold
    story.up.verify()
    events = await story.published()
    assert [event.version for event in events if event.number == 1] == list(
        range(1, len([event for event in events if event.number == 1]) + 1)
    )
    assert not any(anna in event.to_json().decode() or "Kind" in event.to_json().decode() for event in events)

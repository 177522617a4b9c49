"""When what is due, and what stops, holds and moves it."""

from datetime import timedelta

from bus.settings import Which
from tests.ticketing.clocks.stories import MONDAY, NORMAL, Story, at
from ticketing.due_times import catch_up
from ticketing.service_levels import ServiceLevels


def test_a_new_ticket_is_due_by_its_service_level_in_working_time() -> None:
    story = Story().open(at("Mon 11:00"))
    assert story.dues() == {"resolution": at("Wed 16:30"), "first_response": at("Mon 15:30")}
    assert story.told("due_set") == [
        ("due_set", "first_response", at("Mon 11:00"), at("Mon 15:30")),
        ("due_set", "resolution", at("Mon 11:00"), at("Wed 16:30")),
    ]
    assert {e.data["calendar"] for e in story.events if e.type == "ticket.due_set"} == {"office"}
    assert story.ticket.due_at == at("Mon 15:30")
    assert story.ticket.next_due_at == at("Mon 14:30")  # soon due


def test_overdue_is_told_at_the_moment_it_is_due_however_late_the_clock_looks() -> None:
    story = Story().open(at("Mon 11:00")).passes(at("Mon 15:29")).passes(at("Fri+3 12:00"))
    assert story.told("became_overdue") == [
        ("became_overdue", "first_response", at("Mon 15:30"), at("Mon 15:30")),
        ("became_overdue", "resolution", at("Wed 16:30"), at("Wed 16:30")),
    ]
    assert story.passes(at("Fri+4 12:00")).told("became_overdue")[2:] == []
    assert story.ticket.due_at == at("Mon 15:30")


def test_an_act_tells_first_what_is_owed() -> None:
    story = Story().open(at("Mon 11:00")).closes(at("Thu 10:00"))
    types = [event.type.removeprefix("ticket.") for event in story.events]
    assert types[-5:] == ["became_overdue", "became_overdue", "closed", "due_set", "due_set"]
    assert story.dues() == {}


def test_an_answer_in_time_stops_the_response_and_not_the_resolution() -> None:
    story = Story().open().replies(at("Mon 12:00")).passes(at("Tue 12:00"))
    assert story.told("became_overdue") == []
    assert story.dues().keys() == {"resolution"}
    assert story.told("due_set")[-1] == ("due_set", "first_response", at("Mon 12:00"), None)


def test_the_next_question_has_a_time_of_its_own_and_a_further_one_does_not_move_it() -> None:
    story = Story().open().replies(at("Mon 10:00")).writes(at("Mon 11:00")).writes(at("Mon 12:00"))
    assert story.dues()["next_response"] == at("Tue 09:30")
    assert "first_response" not in story.dues()


def test_a_closed_ticket_is_never_overdue_and_reopened_it_is_promised_anew() -> None:
    story = Story().open().replies(at("Mon 10:00")).closes(at("Mon 11:00")).passes(at("Thu 10:00"))
    assert (story.told("became_overdue"), story.ticket.due_at) == ([], None)
    story.writes(at("Thu 10:00"))
    assert story.dues() == {"next_response": at("Thu 16:30"), "resolution": at("Mon+1 15:30")}
    assert Story().open().closes(at("Mon 10:00")).reopens(at("Tue 09:00")).dues() == {"resolution": at("Thu 14:30")}


def test_on_hold_stops_the_clocks_that_are_configured_so() -> None:
    story = Story().open().becomes("on_hold", at("Mon 11:00")).passes(at("Mon+1 09:00"))
    assert story.told("became_overdue") == [
        ("became_overdue", "first_response", at("Mon 13:30"), at("Mon 13:30"))  # not among `on_hold`
    ]
    assert story.dues()["resolution"] is None
    story.becomes("open", at("Mon+1 09:00"))
    assert story.dues()["resolution"] == at("Wed+1 12:00")  # 2 of 20 hours were used: 18 hours of 7 h 30 a day
    assert story.told("due_set")[-2:] == [
        ("due_set", "resolution", at("Mon 11:00"), None),
        ("due_set", "resolution", at("Mon+1 09:00"), at("Wed+1 12:00")),
    ]


def test_a_question_on_a_ticket_on_hold_is_due_after_it() -> None:
    story = Story().open().replies(at("Mon 10:00")).becomes("on_hold", at("Mon 11:00")).writes(at("Mon 12:00"))
    assert story.dues()["next_response"] is None
    assert story.becomes("open", at("Tue 09:00")).dues()["next_response"] == at("Tue 15:30")


def test_another_priority_moves_what_is_due_by_what_was_used() -> None:
    story = Story().open().priority("urgent", at("Mon 09:30"))
    assert story.dues() == {"first_response": at("Mon 10:00"), "resolution": at("Mon 13:30")}


def test_what_would_have_been_due_before_the_priority_was_raised_is_due_then_and_not_earlier() -> None:
    story = Story().open().priority("urgent", at("Mon 11:00")).passes(at("Mon 11:00"))
    assert story.told("became_overdue") == [("became_overdue", "first_response", at("Mon 11:00"), at("Mon 11:00"))]


def test_a_lower_priority_takes_back_what_was_overdue_and_a_same_one_does_not_tell_it_twice() -> None:
    story = Story().open(priority="urgent").passes(at("Mon 10:30"))
    assert len(story.told("became_overdue")) == 1
    story.priority("normal", at("Mon 10:30"))
    assert story.dues()["first_response"] == at("Mon 13:30")
    story.priority("high", at("Mon 10:40")).passes(at("Mon 14:00")).assigned(at("Mon 14:30")).passes(at("Mon 15:00"))
    assert [moment for _, _, moment, _ in story.told("became_overdue")] == [at("Mon 10:00"), at("Mon 13:30")]


def test_escalation_comes_after_its_time_to_the_team_and_once() -> None:
    story = Story().open(priority="urgent").passes(at("Mon 12:00"))
    assert story.told("became_overdue", "escalated", "status_changed", "assigned") == [
        ("became_overdue", "first_response", at("Mon 10:00"), at("Mon 10:00")),
        ("status_changed", "", at("Mon 11:00"), None),
        ("escalated", "t-night", at("Mon 11:00"), None),
        ("assigned", "", at("Mon 11:00"), None),
    ]
    assert (story.ticket.status, story.ticket.team_id, story.ticket.owner_id) == ("escalated", "t-night", None)
    # answered: the response's clock is gone; the resolution's escalates a ticket that is escalated already
    story.replies(at("Mon 12:10")).passes(at("Mon 17:00"))
    assert [name for name, *_ in story.told("escalated", "status_changed", "assigned")][3:] == ["escalated"]


def test_whoever_answers_before_the_escalation_is_not_escalated() -> None:
    story = Story().open(priority="urgent").replies(at("Mon 10:59")).passes(at("Mon 12:00"))
    assert len(story.told("became_overdue")) == 1
    assert story.told("escalated") == []


def test_an_unknown_target_escalates_to_nobody_in_particular() -> None:
    story = Story(targets={}).open(priority="urgent").passes(at("Mon 12:00"))
    assert story.told("escalated") == [("escalated", "", at("Mon 11:00"), None)]
    assert story.told("assigned") == []


def test_a_mail_that_waited_in_our_house_is_overdue_since_it_should_have_been_answered() -> None:
    story = Story().open(at("Mon 09:00"), received=at("Wed 09:00")).passes(at("Wed 09:00"))
    assert story.told("became_overdue")[0][2] == at("Mon 13:30")


def test_a_late_question_is_timed_from_the_answer_that_did_not_know_it() -> None:
    story = Story().open().replies(at("Mon 16:00")).writes(at("Mon 10:00"), received=at("Mon 16:30"))
    assert story.dues()["next_response"] == at("Tue 14:30")  # an hour on Monday, five on Tuesday


def test_a_time_set_by_hand_holds_whatever_the_level_says_until_it_is_taken_away() -> None:
    story = Story().open().due(at("Fri 12:00"), at("Mon 10:00"))
    assert story.dues()["resolution"] == at("Fri 12:00")
    story.priority("urgent", at("Mon 10:30")).becomes("on_hold", at("Mon 10:40"))
    assert story.dues()["resolution"] == at("Fri 12:00")
    assert story.told("due_set")[2:3] == [("due_set", "resolution", at("Mon 10:00"), at("Fri 12:00"))]
    story.due(None, at("Mon 11:00"))
    assert story.dues()["resolution"] == at("Mon 15:30")
    assert story.passes(at("Mon 15:30")).told("became_overdue")[-1][1:3] == ("resolution", at("Mon 15:30"))


def test_without_service_levels_only_what_is_set_by_hand_is_due() -> None:
    story = Story(levels=ServiceLevels()).open().writes(at("Mon 10:00"))
    assert (story.dues(), story.told("due_set"), story.ticket.clocks) == ({}, [], {})
    story.due(at("Tue 09:00"), at("Mon 11:00")).passes(at("Tue 10:00"))
    assert story.told("became_overdue") == [("became_overdue", "resolution", at("Tue 09:00"), at("Tue 09:00"))]
    story.due(None, at("Tue 11:00"))
    assert story.ticket.due_at is None


def test_a_level_that_is_no_longer_there_promises_nothing_more() -> None:
    story = Story().open()
    story.levels = ServiceLevels()
    story.assigned(at("Mon 10:00"))
    assert story.dues() == {}


def test_moments_of_one_instant_are_told_in_one_order() -> None:
    which: list[Which] = ["first_response", "resolution"]
    level = ServiceLevels([type(NORMAL)("same", NORMAL.calendar, dict.fromkeys(which, 3_600_000_000))])
    story = Story(levels=level).open().passes(at("Mon 10:00"))
    assert [each[1] for each in story.told("became_overdue")] == which


def test_to_catch_up_twice_is_to_catch_up_once() -> None:
    story = Story().open(priority="urgent")
    assert [m.what for m in catch_up(story.ticket, MONDAY + timedelta(days=9), {})] == [
        *("soon", "overdue", "escalate"),
        *("soon", "overdue", "escalate"),
    ]
    assert catch_up(story.ticket, MONDAY + timedelta(days=99), {}) == []

"""The lifecycles of campaigns, channels and enrollments: states, moves, who makes them.

Nothing else in the project writes these statuses; the database's triggers (campaigns/migrations)
refuse what is not in these tables.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models

from lifecycle import By, Lifecycle, move


class CampaignStatus(models.TextChoices):
    """Always derived from the campaign's channels; archiving is apart (``archived_at``)."""

    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Scheduled"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    ENDED = "ended", "Ended"


class ChannelStatus(models.TextChoices):
    READY = "ready", "Ready"
    SCHEDULED = "scheduled", "Scheduled"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    COMPLETED = "completed", "Completed"


def derive_campaign_status(channels: Iterable[str]) -> CampaignStatus:
    """What a campaign's status is, from the statuses of its channels (product.md, *Statuses*)."""
    found = set(channels)
    if ChannelStatus.RUNNING in found:
        return CampaignStatus.ACTIVE
    if ChannelStatus.PAUSED in found:
        return CampaignStatus.PAUSED
    if ChannelStatus.SCHEDULED in found:
        return CampaignStatus.SCHEDULED
    finished = found & {ChannelStatus.STOPPED, ChannelStatus.COMPLETED}
    if not finished:
        return CampaignStatus.DRAFT
    if ChannelStatus.READY in found:
        # Something was done and something was never started: not finished, and nothing goes on.
        return CampaignStatus.PAUSED
    return CampaignStatus.ENDED if ChannelStatus.STOPPED in found else CampaignStatus.COMPLETED


_C = ChannelStatus

CHANNEL = Lifecycle(
    noun="channel",
    states=ChannelStatus,
    initial=_C.READY,
    active=frozenset({_C.RUNNING}),
    terminal=frozenset({_C.STOPPED}),
    moves=(
        move("start", "Start", [_C.READY, _C.SCHEDULED], _C.RUNNING, By.PERSON, By.ENGINE),
        move("schedule", "Schedule", [_C.READY], _C.SCHEDULED, By.PERSON, note="it has a later start time"),
        move("unschedule", "Cancel schedule", [_C.SCHEDULED], _C.READY, By.PERSON),
        move("pause", "Pause", [_C.RUNNING], _C.PAUSED, By.PERSON, By.ENGINE),
        move("resume", "Resume", [_C.PAUSED], _C.RUNNING, By.PERSON),
        move("stop", "Stop", [_C.RUNNING, _C.PAUSED, _C.SCHEDULED], _C.STOPPED, By.PERSON),
        move("complete", "Complete", [_C.RUNNING], _C.COMPLETED, By.ENGINE, note="list worked through"),
        move("rerun", "Re-run", [_C.COMPLETED], _C.RUNNING, By.PERSON, note="a new run"),
        move(
            "reopen",
            "Go on",
            [_C.COMPLETED],
            _C.RUNNING,
            By.ENGINE,
            note="a contact is waiting again: a callback asked for after the last call",
        ),
    ),
)


class EnrollmentStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RETRY = "retry", "Retry scheduled"
    CALLBACK = "callback", "Callback"
    CALLING = "calling", "Calling"
    CONNECTED = "connected", "Connected"
    COMPLETED = "completed", "Completed"
    UNSUCCESSFUL = "unsuccessful", "Unsuccessful"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    VOICEMAIL = "voicemail", "Voicemail"
    FAILED = "failed", "Failed"
    DO_NOT_CALL = "do_not_call", "Do not call"
    SKIPPED = "skipped", "Skipped"


_E = EnrollmentStatus

WAITING = frozenset({_E.PENDING, _E.RETRY, _E.CALLBACK})
IN_PROGRESS = frozenset({_E.CALLING, _E.CONNECTED})
DONE = frozenset(_E) - WAITING - IN_PROGRESS
# What a contact ends as whose last attempt reached someone, or something that speaks. Who was reached in a
# run, whatever became of them since, is told by the enrollment's ``is_reached``.
REACHED = frozenset({_E.COMPLETED, _E.UNSUCCESSFUL})

# What a contact ends as whom its last call did not reach.
UNREACHED = frozenset({_E.NO_ANSWER, _E.BUSY, _E.VOICEMAIL, _E.FAILED})

# Where a contact stands whose call has ended and turns out not to have asked for a callback.
WITHOUT_A_CALLBACK = (
    _E.RETRY,
    _E.COMPLETED,
    _E.UNSUCCESSFUL,
    _E.NO_ANSWER,
    _E.BUSY,
    _E.VOICEMAIL,
    _E.FAILED,
)
# The move that undoes a skip, by what the contact waited as before.
MOVE_BACK: dict[str, str] = {
    _E.PENDING: "bring_back",
    _E.RETRY: "bring_back_retry",
    _E.CALLBACK: "bring_back_callback",
}

# How a finished call may leave an enrollment (campaigns/outcomes.py decides which).
_AFTER_A_CALL = IN_PROGRESS

ENROLLMENT = Lifecycle(
    noun="contact",
    states=EnrollmentStatus,
    initial=_E.PENDING,
    active=IN_PROGRESS,
    terminal=DONE,
    moves=(
        move("call", "Call", WAITING, _E.CALLING, By.ENGINE, note="claimed"),
        move("connect", "Connect", [_E.CALLING], _E.CONNECTED, By.CARRIER),
        move("withdraw", "Withdraw", [_E.CALLING], _E.PENDING, By.ENGINE, note="no call was placed"),
        move("withdraw_retry", "Withdraw", [_E.CALLING], _E.RETRY, By.ENGINE, note="no call was placed"),
        move(
            "withdraw_callback", "Withdraw", [_E.CALLING], _E.CALLBACK, By.ENGINE, note="no call was placed"
        ),
        move("retry", "Retry", _AFTER_A_CALL, _E.RETRY, By.CARRIER, By.ENGINE, note="a reattempt rule fired"),
        move(
            "call_back",
            "Call back",
            _AFTER_A_CALL | REACHED | UNREACHED | {_E.RETRY},
            _E.CALLBACK,
            By.PERSON,
            By.CARRIER,
            note="asked to be called at a known time",
        ),
        move("complete", "Complete", _AFTER_A_CALL | {_E.UNSUCCESSFUL}, _E.COMPLETED, By.CARRIER, By.PERSON),
        move(
            "not_achieved",
            "Unsuccessful",
            _AFTER_A_CALL | {_E.COMPLETED},
            _E.UNSUCCESSFUL,
            By.CARRIER,
            By.PERSON,
        ),
        move("not_answer", "No answer", _AFTER_A_CALL, _E.NO_ANSWER, By.CARRIER),
        move("busy", "Busy", _AFTER_A_CALL, _E.BUSY, By.CARRIER),
        move("reach_machine", "Voicemail", _AFTER_A_CALL, _E.VOICEMAIL, By.CARRIER),
        move(
            "correct_to_machine",
            "Voicemail",
            [_E.COMPLETED],
            _E.VOICEMAIL,
            By.CARRIER,
            note="that it was a machine was told after the end",
        ),
        move(
            "correct_to_retry",
            "Retry",
            [_E.COMPLETED],
            _E.RETRY,
            By.CARRIER,
            note="that it was a machine was told after the end, and a reattempt rule fired",
        ),
        move("fail", "Fail", _AFTER_A_CALL, _E.FAILED, By.CARRIER),
        move(
            "refuse",
            "Do not call",
            WAITING | _AFTER_A_CALL | REACHED | UNREACHED,
            _E.DO_NOT_CALL,
            By.ENGINE,
            By.CARRIER,
            By.PERSON,
        ),
        move("skip", "Skip", WAITING, _E.SKIPPED, By.ENGINE, By.PERSON, note="with the reason"),
        move("bring_back", "Bring back", [_E.SKIPPED], _E.PENDING, By.PERSON, note="a skip is undone"),
        move("bring_back_retry", "Bring back", [_E.SKIPPED], _E.RETRY, By.PERSON, note="a skip is undone"),
        move(
            "bring_back_callback", "Bring back", [_E.SKIPPED], _E.CALLBACK, By.PERSON, note="a skip is undone"
        ),
        move(
            "try_again",
            "Try again",
            UNREACHED | {_E.SKIPPED},
            _E.RETRY,
            By.PERSON,
            note="asked for by a person, beyond the attempts planned",
        ),
        move("bring_forward", "Retry now", [_E.PENDING], _E.RETRY, By.PERSON, note="ahead of who is fresh"),
        *(
            move(
                f"no_callback_{state}",
                "No callback",
                [_E.CALLBACK],
                state,
                By.PERSON,
                By.CARRIER,
                note="its call’s disposition is another one now",
            )
            for state in WITHOUT_A_CALLBACK
        ),
    ),
)

# The move that leaves an enrollment in a status after its call.
MOVE_AFTER_A_CALL: dict[str, str] = {
    _E.RETRY: "retry",
    _E.CALLBACK: "call_back",
    _E.COMPLETED: "complete",
    _E.UNSUCCESSFUL: "not_achieved",
    _E.NO_ANSWER: "not_answer",
    _E.BUSY: "busy",
    _E.VOICEMAIL: "reach_machine",
    _E.FAILED: "fail",
    _E.DO_NOT_CALL: "refuse",
}

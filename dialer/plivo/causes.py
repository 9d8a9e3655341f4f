"""Plivo's hang-up causes, in our words. Codes: Plivo's documentation, *Hangup causes*; gaps are "other"."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.carrier import Ended


@dataclass(frozen=True)
class Cause:
    ended: Ended
    # The number can never work: no use in trying again.
    permanent: bool = False


_FAILED = Cause(Ended.FAILED)
_FAILED_FOR_GOOD = Cause(Ended.FAILED, permanent=True)
_NO_ANSWER = Cause(Ended.NO_ANSWER)
_BUSY = Cause(Ended.BUSY)
_ANSWERED = Cause(Ended.ANSWERED)

CAUSES = {
    1000: Cause(Ended.CANCELLED),
    1010: _FAILED,  # out of credit
    1020: _FAILED,  # simultaneous dial limit
    2000: _FAILED_FOR_GOOD,  # invalid destination
    2010: _FAILED_FOR_GOOD,  # out of service
    2020: _FAILED,  # endpoint not registered
    2030: _FAILED_FOR_GOOD,  # barred, by country or by prefix
    2040: _FAILED_FOR_GOOD,
    2050: _FAILED_FOR_GOOD,
    2060: _FAILED,  # loop
    3000: _NO_ANSWER,
    3010: _BUSY,
    3020: _BUSY,  # rejected: somebody pressed the button
    3040: _FAILED,  # forbidden
    3050: _FAILED_FOR_GOOD,  # unallocated number
    3070: _NO_ANSWER,  # request timeout
    3080: _FAILED,  # carrier error
    3090: _FAILED,  # congestion
    3100: _BUSY,  # busy everywhere
    3110: _BUSY,  # declined
    3120: _FAILED_FOR_GOOD,  # user does not exist
    3130: _FAILED,  # spam block
    3140: _FAILED_FOR_GOOD,  # do-not-originate list
    4000: _ANSWERED,
    4010: _ANSWERED,  # end of XML
    4020: _ANSWERED,  # multi-party call ended
    4030: _ANSWERED,  # kicked
    6000: _ANSWERED,  # scheduled hangup: the time limit
    6010: _NO_ANSWER,  # ring timeout
    6020: _ANSWERED,  # media timeout
    9000: Cause(Ended.CANCELLED),  # lost race
    9100: Cause(Ended.MACHINE),
}

# CallStatus of the webhook, or call_state of a record, where the code says nothing.
STATUSES = {
    "busy": Ended.BUSY,
    "no-answer": Ended.NO_ANSWER,
    "timeout": Ended.NO_ANSWER,
    "cancel": Ended.CANCELLED,
    "canceled": Ended.CANCELLED,
    "completed": Ended.ANSWERED,
    "failed": Ended.FAILED,
}


def classify(code: int | None, status: str, *, was_answered: bool) -> Cause:
    """How a call ended, from its hang-up code, else from its status.

    A call that somebody answered has reached them, whatever ended it, unless a machine was found.
    """
    cause = CAUSES.get(code) if code is not None else None
    if cause is None:
        cause = Cause(STATUSES.get(status.lower(), Ended.FAILED))
    if was_answered and cause.ended is not Ended.MACHINE:
        return _ANSWERED
    if cause.ended is Ended.ANSWERED and not was_answered:
        # "Normal" for a call that nobody answered: it rang and was taken down.
        return _NO_ANSWER
    return cause

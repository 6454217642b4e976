"""What came of an event, in a word: the auditor's first question. Pure.

The result follows from the kind, so nothing stores it: a search for a result is one for its kinds.
"""

from collections.abc import Mapping
from enum import StrEnum

from audit.model import Kind


class Result(StrEnum):
    """What came of it."""

    RELEASED = "released"
    """Data left the vault for a recipient."""
    SHOWN = "shown"
    """Data was shown to the person whose it is."""
    REFUSED = "refused"
    """The vault said no."""
    DECLINED = "declined"
    """The person said no, or took an answer back."""
    DONE = "done"
    """Whatever else was done."""


_RESULTS: Mapping[Kind, Result] = {
    Kind.DATA_RELEASED: Result.RELEASED,
    Kind.DATA_VIEWED: Result.SHOWN,
    Kind.DATA_EXPORTED: Result.SHOWN,
    Kind.DATA_REFUSED: Result.REFUSED,
    Kind.TOKEN_REFUSED: Result.REFUSED,
    Kind.REQUEST_REFUSED: Result.REFUSED,
    Kind.SIGN_IN_REFUSED: Result.REFUSED,
    Kind.CONSENT_REFUSED: Result.DECLINED,
    Kind.CONSENT_NARROWED: Result.DECLINED,
    Kind.CONSENT_WITHDRAWN: Result.DECLINED,
}


def result_of(kind: Kind) -> Result:
    """What came of an event of that kind."""
    return _RESULTS.get(kind, Result.DONE)


def kinds_of(result: Result) -> frozenset[Kind]:
    """The kinds of event that have this result."""
    return frozenset(kind for kind in Kind if result_of(kind) is result)

"""The policies once more, in plain Python: written from the rules and not from the Cedar text.

What Cedar decides is held against it over every case of the table, a bounded product of facts and
whatever Hypothesis thinks of.
"""

from collections.abc import Iterator

from policies.decision_inputs import DataFacts
from policies.questions import GrantFacts, Question, TokenFacts

_ENDED = {
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "suspended": "suspended",
    "revoked": "revoked",
    "invalidated": "invalidated",
}
_CHOICES = {
    "consent": "consent-active",
    "permission": "permission-given",
    "request": "request-made",
}


def oracle(asked: Question, data: DataFacts) -> tuple[bool, str]:
    """Whether it is allowed, and the reason that is told first."""
    for reason in _forbidden(asked, data):
        return False, reason
    ground = _ground(asked)
    return (True, ground) if ground is not None else (False, _why_not(asked))


def _forbidden(asked: Question, data: DataFacts) -> Iterator[str]:
    if asked.grant is not None:
        yield from _grant_is_over(asked.grant)
    if asked.standing != "active":
        yield "client-suspended"
    if asked.declaration is not None and asked.declaration.status != "approved":
        yield f"purpose-{asked.declaration.status}"
    yield from _token_forbids(asked)
    yield from _request_forbids(asked, data)


def _grant_is_over(grant: GrantFacts) -> Iterator[str]:
    if grant.uses_left is not None and grant.uses_left <= 0:
        yield "uses-spent"
    if grant.state in _ENDED:
        yield _ENDED[grant.state]
    if grant.state == "expired" or (grant.not_after is not None and grant.not_after <= 0):
        yield "ended"


def _token_forbids(asked: Question) -> Iterator[str]:
    if asked.action != "fetch":
        return
    token: TokenFacts | None = asked.token
    if token is not None and token.issued > 0:
        yield "system-error"
    if token is None or token.revoked or token.expires <= 0:
        yield "token-ended"


def _request_forbids(asked: Question, data: DataFacts) -> Iterator[str]:
    wanted, declared, token = set(asked.requested), asked.declaration, asked.token
    if not wanted:
        yield "empty-request"
    if asked.action == "fetch" and token is not None and wanted - set(token.attributes):
        yield "more-than-accepted"
    if declared is not None and wanted - set(declared.attributes):
        yield "outside-purpose"
    if wanted - set(data.attributes):
        yield "unknown-data"
    required = 0 if declared is None else declared.required_loa
    if data.special and required < 3:
        yield "loa-high"
    if declared is not None and required < data.min_loa:
        yield "loa-low"
    if (
        declared is not None
        and not declared.other_way
        and (asked.kind, asked.basis) == ("authority", "consent")
    ):
        yield "no-other-way"


def _ground(asked: Question) -> str | None:
    if asked.declaration is None or asked.declaration.basis != asked.basis:
        return None
    if asked.basis in _CHOICES:
        return None if any(_grant_lacks(asked)) else _CHOICES[asked.basis]
    if asked.basis == "vital":
        return "life-at-stake"
    by_law = {("statute", "authority"): "law-allows", ("contract", "private"): "contract-needs"}
    return by_law.get((asked.basis, asked.kind))


def _why_not(asked: Question) -> str:
    declared = asked.declaration is not None and asked.declaration.basis == asked.basis
    if not declared or asked.basis not in _CHOICES:
        return "no-ground"
    return next(_grant_lacks(asked))


def _grant_lacks(asked: Question) -> Iterator[str]:
    """What a grant lacks to be the ground, in the order in which it is told."""
    grant = asked.grant
    if grant is None or not grant.own or grant.client != asked.client:
        yield "no-ground"
        return
    if grant.purpose != asked.purpose:
        yield "purpose-differs"
    if grant.basis != asked.basis:
        yield "no-ground"
    if grant.state != "active" or grant.not_before is None or grant.not_before > 0:
        yield "not-active"
    if grant.not_after is None:
        yield "ended"
    if set(asked.requested) - set(grant.granted):
        yield "more-than-accepted"

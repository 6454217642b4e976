"""Receipts of every kind of answer and ground, to be written in other forms."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

from audit.model import SYSTEM, Actor
from audit.unit_of_work import Ledger, begin
from consent.choices import expire_due, refuse
from consent.exchange.source import Source
from consent.receipt_content import content_of
from consent.receipt_jws import verify_receipt
from policies.ids import PersonId, PurposeId
from policies.processing import processing_register
from policies.purpose_terms import NO_TERMS
from tests.consent.flow import NOW, Flow, catalogue
from tests.consent.receipted import JWKS, house, received

ORGANISATIONS = {
    "debt-advice": "debt-counsel",
    "clinic-diabetes-care": "clinic-koivu",
    "kela-unemployment-benefit": "kela",
    "bank-loan-offer": "bank-example",
}


def _flow(ledger: Ledger, purpose: str) -> Flow:
    organisation = ORGANISATIONS[purpose]
    return Flow(ledger, PurposeId(purpose), client_id=organisation, organisation=organisation)


def _given(flow: Flow) -> PersonId:
    """Everything that is needed, of everything that the purpose may ask for."""
    declaration = flow.declaration()
    asked = tuple(each.id for each in declaration.attributes)
    return flow.given(
        granted=declaration.required or asked[:1], details_attributes=asked, details_uses=1
    ).person


def _refused(flow: Flow) -> PersonId:
    waiting = flow.open(flow.person())
    with begin(flow.ledger, actor=Actor.person(waiting.person), now=NOW) as uow:
        refuse(uow, waiting.id, flow.choice(waiting.person))
    return waiting.person


def _withdrawn(flow: Flow) -> PersonId:
    given = flow.given()
    flow.withdraw(given, now=NOW + timedelta(hours=1))
    return given.person


def _expired(flow: Flow) -> PersonId:
    person = flow.given().person
    with begin(flow.ledger, actor=SYSTEM, now=NOW + timedelta(days=400)) as uow:
        expire_due(uow)
    return person


@cache
def sources() -> Mapping[str, Source]:
    """The newest receipt of each of these, by what it is of."""
    with house() as ledger:
        flows = {each: _flow(ledger, each) for each in ORGANISATIONS}
        advice = flows["debt-advice"]
        return {
            "consent": _source(ledger, _given(flows["bank-loan-offer"])),
            "special": _source(ledger, _given(flows["clinic-diabetes-care"])),
            "permission": _source(ledger, _given(flows["kela-unemployment-benefit"])),
            "refused": _source(ledger, _refused(advice)),
            "withdrawn": _source(ledger, _withdrawn(advice)),
            # The last one, since the clock ends all others as well.
            "expired": _source(ledger, _expired(advice)),
        }


def _source(ledger: Ledger, person: PersonId) -> Source:
    newest = received(ledger, person)[-1]
    content = content_of(verify_receipt(newest.jws, JWKS))
    return Source(content, newest.jws, catalogue(), processing_register(), NO_TERMS)


GIVEN = ("consent", "special", "permission", "withdrawn", "expired")
EVERY = (*GIVEN, "refused")

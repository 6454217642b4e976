"""Each ground that is no choice gives a token only where purpose and source have declared it."""

import json
from dataclasses import replace

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from consent.clients import register_client
from consent.declarations import approve, draft, submit
from consent.purposes import register_purpose
from policies.ids import DatasetId, OrganisationId, PersonId, PurposeId, new_uuid
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.service_declarations import declared_by_catalogue
from policies.vocabulary import LegalBasis
from tests.consent.flow import catalogue, metadata
from tests.service.office import BY_LAW, Office, Program, content

_CHECK = catalogue().purpose(PurposeId("kela-income-check"))


def purpose(basis: LegalBasis) -> PurposeDeclaration:
    return replace(
        _CHECK,
        id=PurposeId(f"by-{basis}"),
        basis=basis,
        organisation=OrganisationId("bank-example"),
        law=None,
        kept_back=None,
    )


def source_gives(office: Office, basis: LegalBasis) -> None:
    """The holder of the register declares that it gives on this ground as well."""
    declared = declared_by_catalogue(catalogue(), catalogue().dataset(DatasetId("income")))
    wider = replace(declared, version=2, grounds=(*declared.grounds, basis))
    one, other = PersonId(new_uuid()), PersonId(new_uuid())
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        made = submit(uow, draft(uow, wider, catalogue()), catalogue(), by=one)
        approve(uow, made, catalogue(), by=other)


def bank(office: Office) -> Program:
    made = Program("bank-1", office.clock)
    members = metadata(
        client_id=made.client_id, organisation="bank-example", jwks={"keys": [made.jwk()]}
    )
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        register_client(uow, members, catalogue())
    return made


@pytest.mark.parametrize("basis", [LegalBasis.CONTRACT, LegalBasis.VITAL])
def test_a_ground_that_is_declared_on_both_sides_gives_a_token(
    office: Office, basis: LegalBasis
) -> None:
    program, declared = bank(office), purpose(basis)
    with (
        begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow,
        pytest.raises(DeclarationError, match="basis"),
    ):
        register_purpose(uow, declared, catalogue())
    source_gives(office, basis)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        register_purpose(uow, declared, catalogue())
    details = json.dumps([BY_LAW | {"purpose": declared.id}])
    form = {"grant_type": "client_credentials", "authorization_details": details}
    answer = office.send(program.form("/oauth/token", form))
    assert answer.status == 200, answer.body
    token = content(answer)["access_token"]
    assert office.send(program.get("/api/v1/data/income", token)).status == 200
    (released,) = office.events(Kind.DATA_RELEASED)
    assert (released.get("basis"), released.get("purpose")) == (basis, declared.id)


def test_what_the_person_decides_is_never_taken_without_her(office: Office) -> None:
    answer = office.by_law(purpose="kela-unemployment-benefit", datatypes=["income.employer"])
    assert answer.status == 400
    assert office.events(Kind.TOKEN_ISSUED) == []

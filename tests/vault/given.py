"""Things that the vault's tests start from. The people are invented, their codes artificial."""

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from audit.model import SYSTEM, Actor
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent import decisions
from consent.decisions import Permit, PermitKind, decide_self_access
from consent.model import ConsentRef
from policies.catalogue import Catalogue, load_catalogue
from policies.facts import Document, Fact, Value
from policies.ids import (
    AttributeId,
    ClientId,
    ConsentId,
    DatasetId,
    OrganisationId,
    PersonId,
    PurposeId,
    SourceId,
)
from policies.vocabulary import AuthorityRank, LegalBasis
from vault.deposits import deposit
from vault.model import Released
from vault.providers.file import FileKeyProvider
from vault.release import release
from vault.vault import Vault

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EARLIER = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

AINO = "010199-9012"
VILLE = "150688-9551"

GROSS = AttributeId("income.monthly_gross")
EMPLOYER = AttributeId("income.employer")
PAID = AttributeId("income.last_payment_date")
STREET = AttributeId("residence.street_address")
MUNICIPALITY = AttributeId("person.home_municipality")
HOUSEHOLD = AttributeId("residence.household_size")
CITY = AttributeId("residence.city")
GLUCOSE = AttributeId("glucose.latest_value")

INCOME = DatasetId("income")
RESIDENCE = DatasetId("residence")

KELA = OrganisationId("kela")
BANK = OrganisationId("bank-example")

INCOME_CHECK = PurposeId("kela-income-check")

TAX = SourceId("incomes-register")
POPULATION = SourceId("vtj")


@cache
def catalogue() -> Catalogue:
    """The real catalogue."""
    return load_catalogue()


def new_vault() -> Vault:
    """A vault whose keys nobody else has."""
    return Vault(
        provider=FileKeyProvider({1: os.urandom(32)}),
        index_key=os.urandom(32),
        installation="test",
        catalogue=catalogue(),
    )


def fact(
    attribute: AttributeId = GROSS, value: Value = 256_000, source: SourceId | None = None
) -> Fact:
    """What a register states, the attribute's own where none is named."""
    return Fact(
        attribute=attribute,
        value=value,
        source=source or catalogue().dataset_of(attribute).source,
        authority=AuthorityRank.AUTHORITATIVE_REGISTER,
        observed_at=EARLIER,
    )


def document(*facts: Fact, digest: bytes | None = None) -> Document:
    """A document of these facts; without a digest of its own it has one nobody has seen."""
    first = facts[0]
    return Document(
        dataset=catalogue().attribute(first.attribute).dataset,
        source=first.source,
        facts=facts,
        digest=digest or hashlib.sha256(os.urandom(16)).digest(),
    )


def deposited(ledger: Ledger, vault: Vault, person: PersonId, *facts: Fact) -> None:
    """The facts, handed in as one document."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, document(*facts))


def permit(
    uow: UnitOfWork,
    person: PersonId,
    attributes: Iterable[AttributeId],
    *,
    organisation: OrganisationId | None = KELA,
    basis: LegalBasis = LegalBasis.STATUTE,
    purpose: PurposeId = INCOME_CHECK,
    visible_from: datetime | None = None,
) -> Permit:
    """A permit for a recipient, as `consent.decisions` makes one for a fetch.

    Only that module can make a permit; the tests borrow what it keeps to itself.
    """
    return Permit(
        kind=PermitKind.RELEASE,
        person=person,
        attributes=tuple(attributes),
        purpose=purpose,
        basis=basis,
        organisation=organisation,
        client=ClientId("client-1"),
        consent=ConsentRef(ConsentId(UUID(int=7)), 2),
        case="A-1",
        token="ab" * 32,
        visible_from=visible_from,
        decided_in=uow,
        made_by=decisions._MADE_HERE,
    )


def released(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    *attributes: AttributeId,
    organisation: OrganisationId = KELA,
    basis: LegalBasis = LegalBasis.STATUTE,
) -> Released:
    """What a recipient gets."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        given = permit(uow, person, attributes, organisation=organisation, basis=basis)
        return release(uow, vault, given)


def viewed(ledger: Ledger, vault: Vault, person: PersonId, *attributes: AttributeId) -> Released:
    """What the person herself sees."""
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        return release(uow, vault, decide_self_access(uow, person, attributes))

"""The copy of everything: whole, in its schema, nobody else's, and recorded before it leaves."""

import hashlib
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from audit.event_proof import EventProof
from audit.model import SYSTEM, Actor, Event, Kind
from audit.scope import EVERYONE
from audit.store import tables as audit_tables
from audit.unit_of_work import begin
from consent.decisions import NotHerselfError, decide_copy, decide_self_access
from consent.receipt_jws import verify_receipt
from consent.store import tables as consent_tables
from policies.canonical import canonical_json
from policies.ids import AttributeId, DatasetId, PersonId
from policies.schemas import first_fault
from policies.vocabulary import LevelOfAssurance
from service.erasing import erase
from service.portability.document import SCHEMA, TYPE, document
from service.portability.gathering import gather
from service.portability.linked import linked
from service.portability.tables import IN_THE_COPY, LEFT_OUT
from service.store import tables as service_tables
from tests.service.citizen.changed import cut, sequence
from tests.service.citizen.given import give
from tests.service.house import AINO, VILLE, House
from tests.vault.given import EMPLOYER, GROSS, HOUSEHOLD, deposited, fact
from tests.vault.test_left_catalogue import without_attribute
from vault.disputes import dispute
from vault.erasure import Request, erase_person
from vault.erasure_statement import verify_statement
from vault.model import DisputeReason
from vault.people import UnknownPersonError, issue_pairwise_subject
from vault.release import CopyPermitError, release
from vault.store import tables as vault_tables
from vault.taking_out import NotACopyPermitError, take_out
from vault.viewing import NotHerOwnPermitError, view

NEWCOMER = "170269-938M"
"""Of whom the house that stands on each database knows nothing yet."""
FILES = ["html", "json", "jsonld", "jws"]
METADATA = [each.metadata for each in (vault_tables, consent_tables, service_tables, audit_tables)]


def furnished(house: House, identifier: str = AINO) -> PersonId:
    """A person with values of several versions, a dispute, a pseudonym and a placed log."""
    person = house.person(identifier)
    ledger, vault = house.runtime.ledger, house.runtime.vault
    deposited(ledger, vault, person, fact(GROSS, 300_000), fact(EMPLOYER, "Vanha Oy"))
    deposited(ledger, vault, person, fact(GROSS, 315_050))
    with begin(ledger, actor=Actor.person(person), now=house.clock()) as uow:
        source = fact(EMPLOYER).source
        dispute(uow, vault, person, attribute=EMPLOYER, source=source, reason=DisputeReason.WRONG)
        organisation = house.runtime.catalogue.source(source).organisation
        issue_pairwise_subject(uow, vault, person, organisation)
    sequence(house)
    return person


def test_every_table_about_people_is_in_the_copy_or_has_a_reason() -> None:
    about = {t.name for m in METADATA for t in m.sorted_tables if "person_id" in t.c}
    assert about == IN_THE_COPY.keys() | LEFT_OUT.keys()
    assert not IN_THE_COPY.keys() & LEFT_OUT.keys()


def test_the_document_keeps_its_schema_and_has_everything(each_house: House) -> None:
    person = furnished(each_house, NEWCOMER)
    runtime = each_house.runtime
    made = document(gather(runtime, person, actor=Actor.person(person)), "https://vault.example.fi")
    assert first_fault(made, SCHEMA) is None
    values = [(v["attribute"], v["value"], v["version"], v["counts"]) for v in made["values"]]
    assert set(values) == {
        (GROSS, 300_000, 1, False),
        (GROSS, 315_050, 2, True),
        (EMPLOYER, "Vanha Oy", 1, True),
    }
    assert [each["attribute"] for each in made["disputes"]] == [EMPLOYER]
    assert len(made["person"]["pseudonyms"]) == 1
    assert len(made["person"]["identifiers"]) == 1
    kinds = [each["fields"]["kind"] for each in made["log"]]
    assert kinds[0] == "data.exported"
    for each in made["log"]:
        if each["place"] is not None:
            assert str(EventProof.parse(json.dumps(each["proof"])).event_id) == each["event_id"]
    assert sum(each["proof"] is not None for each in made["log"]) >= 4


def test_consents_come_with_records_and_receipts(house: House) -> None:
    house.deposit(house.person())
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    made = browser.get("/en/data/copy.json").json()
    assert first_fault(made, SCHEMA) is None
    (one,) = made["consents"]
    assert one["id"] == str(consent_id)
    keys = {"keys": [house.runtime.receipt_signer.jwk()]}
    receipt = verify_receipt(one["receipts"][0]["jws"], keys)
    assert receipt["record"] == one["records"][0]["document"]
    digest = hashlib.sha256(canonical_json(one["records"][0]["document"])).hexdigest()
    assert digest == one["records"][0]["sha256"]


def test_what_was_erased_is_told_with_its_statement(each_house: House) -> None:
    person = furnished(each_house, NEWCOMER)
    runtime = each_house.runtime
    with begin(runtime.ledger, actor=Actor.person(person), now=each_house.clock()) as uow:
        erase(uow, runtime, person, Request.by_wish(), DatasetId("income"))
    made = document(gather(runtime, person, actor=Actor.person(person)), "x")
    assert first_fault(made, SCHEMA) is None
    assert made["values"] == []
    assert [each["dataset"] for each in made["unwanted"]] == ["income"]
    keys = {"keys": [runtime.receipt_signer.jwk()]}
    assert verify_statement(made["erasures"][0]["statement"], keys)["scope"] == "data-set"


def test_nobody_else_is_in_the_copy(each_house: House) -> None:
    person, other = furnished(each_house, NEWCOMER), each_house.person(VILLE)
    ledger, vault = each_house.runtime.ledger, each_house.runtime.vault
    deposited(ledger, vault, other, fact(EMPLOYER, "Ville Työ Oy"))
    joint = replace(fact(HOUSEHOLD, 3), also_about=frozenset({other}))
    deposited(ledger, vault, person, joint)
    made = document(gather(each_house.runtime, person, actor=Actor.person(person)), "x")
    told = json.dumps(made)
    assert str(other) not in told
    assert "Ville" not in told
    (value,) = [each for each in made["values"] if each["attribute"] == HOUSEHOLD]
    assert value["about_others"]
    assert value["evidence"] is None


@pytest.mark.parametrize("suffix", FILES)
def test_each_file_is_an_event_before_it_leaves(house: House, suffix: str) -> None:
    furnished(house)
    browser = house.signed_in()
    answer = browser.get(f"/en/data/copy.{suffix}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    log = browser.get("/en/data/copy.json").json()["log"]
    exported = [each for each in log if each["fields"]["kind"] == "data.exported"]
    assert [each["fields"]["reason"] for each in exported] == ["own-export"] * 2


@pytest.mark.parametrize("suffix", FILES)
def test_where_the_event_cannot_be_written_nothing_leaves(house: House, suffix: str) -> None:
    furnished(house)
    browser = house.signed_in()
    with house.runtime.ledger.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER planted BEFORE INSERT ON audit_event"
                " BEGIN SELECT RAISE(ABORT, 'planted fault'); END"
            )
        )
    answer = browser.get(f"/en/data/copy.{suffix}")
    assert answer.status_code == 500
    assert "Vanha Oy" not in answer.text


def test_linked_data_names_what_it_says(house: House) -> None:
    furnished(house)
    graph = house.signed_in().get("/en/data/copy.jsonld").json()
    assert graph["@context"]["dpv"] == "https://w3id.org/dpv#"
    values = [n for n in graph["@graph"] if "dpv:PersonalData" in n["@type"]]
    assert {n["value"] for n in values} == {300_000, 315_050, "Vanha Oy"}
    ids = {n["@id"] for n in graph["@graph"]}
    assert len(ids) == len(graph["@graph"])
    assert all(n["attributedTo"] in ids and n["subject"] in ids for n in values)


def test_linked_data_names_by_its_id_what_has_left_the_catalogue(house: House) -> None:
    person = furnished(house)
    made = document(gather(house.runtime, person, actor=Actor.person(person)), "x")
    catalogue = replace(house.runtime.catalogue, sources={}, organisations={})
    consent = {"id": "1", "basis": "consent", "organisation": "old", "granted": [], "status": ""}
    graph = linked(made | {"consents": [consent]}, catalogue)["@graph"]
    names = [each["name"] for each in graph if "dpv:DataSource" in each["@type"]]
    assert names == [[{"@value": fact().source}]]
    (given,) = [each for each in graph if "dpv:Consent" in each["@type"]]
    assert given["recipient"] == "urn:consent-vault:organisation:old"


@pytest.mark.parametrize("gone", [EMPLOYER, GROSS])
def test_a_value_that_has_left_the_catalogue_stops_no_copy(
    house: House, gone: AttributeId, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnished(house)
    browser = house.signed_in()
    less = without_attribute(house.runtime.catalogue, gone)
    monkeypatch.setattr(house.app.state, "runtime", replace(house.runtime, catalogue=less))
    assert browser.get("/en/data/copy").status_code == 200
    values = browser.get("/en/data/copy.json").json()["values"]
    assert {each["attribute"] for each in values} == {EMPLOYER, GROSS} - {gone}


def test_a_weak_sign_in_takes_no_copy_with_holes(house: House) -> None:
    house.deposit(house.person())
    browser = house.signed_in(loa=LevelOfAssurance.SUBSTANTIAL)
    assert "stronger" in browser.get("/en/data/copy").text
    assert browser.get("/en/data/copy.json").status_code == 403
    log = house.signed_in().get("/en/data/copy.json").json()["log"]
    assert sum(each["fields"]["kind"] == "data.exported" for each in log) == 1


def test_another_person_gets_her_own_copy_only(house: House) -> None:
    furnished(house)
    stranger: TestClient = house.signed_in(VILLE)
    assert "Vanha Oy" not in stranger.get("/en/data/copy.json").text
    assert house.visitor().get("/en/data/copy.json").status_code == 303


def test_an_erased_person_has_no_copy(each_house: House) -> None:
    """Whichever is first, all or nothing: the erasure has the lock, or the copy."""
    person = furnished(each_house, NEWCOMER)
    runtime = each_house.runtime
    with begin(runtime.ledger, actor=Actor.person(person), now=each_house.clock()) as uow:
        erase_person(uow, runtime.vault, person, Request.by_wish())
    with pytest.raises(UnknownPersonError):
        gather(runtime, person, actor=Actor.person(person))
    with runtime.ledger.read(EVERYONE) as connection:
        kinds = connection.execute(text("SELECT kind FROM audit_search")).scalars().all()
    assert "data.exported" not in kinds


def test_a_line_that_was_changed_has_no_proof_and_hides_no_other(house: House) -> None:
    person = furnished(house)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        event_id = uow.record(Event(kind=Kind.DATA_REFUSED, subject=person))
    sequence(house)
    cut(house, event_id)
    made = document(gather(house.runtime, person, actor=Actor.person(person)), "x")
    assert first_fault(made, SCHEMA) is None
    (line,) = [each for each in made["log"] if each["event_id"] == str(event_id)]
    assert (line["fields"], line["proof"]) == ({}, None)
    assert len(made["log"]) > 4


def test_only_the_person_or_the_operator_with_a_case_may_have_it(house: House) -> None:
    person = furnished(house)
    ledger, vault, now = house.runtime.ledger, house.runtime.vault, house.clock()
    for actor, case in ((SYSTEM, None), (Actor.person(PersonId(uuid4())), "K/1")):
        with pytest.raises(NotHerselfError), begin(ledger, actor=actor, now=now) as uow:
            decide_copy(uow, person, [GROSS], case=case)
    with begin(ledger, actor=Actor.person(person), now=now) as uow:
        copy = decide_copy(uow, person, [GROSS])
        with pytest.raises(CopyPermitError):
            release(uow, vault, copy)
        with pytest.raises(NotHerOwnPermitError):
            view(uow, vault, copy)
        with pytest.raises(NotACopyPermitError):
            take_out(uow, vault, decide_self_access(uow, person, [GROSS]))


def test_the_signed_copy_passes_for_nothing_else(house: House) -> None:
    furnished(house)
    jws = house.signed_in().get("/en/data/copy.jws").text
    keys = {"keys": [house.runtime.receipt_signer.jwk()]}
    with pytest.raises(ValueError, match="header"):
        verify_receipt(jws, keys)
    assert verify_receipt(jws, keys, kind=TYPE, max_bytes=len(jws))["values"]

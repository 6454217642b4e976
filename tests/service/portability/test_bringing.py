"""A copy brought into another installation: the same facts and provenance, or a named refusal."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from audit.model import Actor, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from consent.reading import consents_of
from policies.ids import AttributeId, PersonId
from policies.vocabulary import AuthorityRank, Label
from service.citizen.copy import signed
from service.cli.main import main
from service.portability.document import TYPE, document
from service.portability.gathering import gather
from service.portability.reading import ExportError, Why, readable, verified
from service.runtime import Runtime, open_runtime
from service.settings import load_settings
from tests.service.citizen.given import give
from tests.service.house import AINO, VILLE, House
from tests.service.portability.test_copy import furnished
from tests.vault.given import EMPLOYER, GROSS, deposited, fact
from vault.disputes import dispute
from vault.model import DisputeReason
from vault.people import IDENTITY_SCHEME, find_person
from vault.viewing import Statement


class Elsewhere:
    """Another installation, by the environment, and the files that came from the first."""

    def __init__(self, folder: Path, house: House) -> None:
        self.folder, self.house = folder, house
        self.copy, self.keys = folder / "copy.jws", folder / "jwks.json"
        self.code = folder / "code"
        self.code.write_text(f"{AINO}\n")
        self.keys.write_text(json.dumps({"keys": [house.runtime.receipt_signer.jwk()]}))

    def take_out(self) -> str:
        person = self.house.person()
        jws = signed(
            self.house.runtime, gather(self.house.runtime, person, actor=Actor.person(person))
        )
        self.copy.write_text(jws)
        return jws

    def bring_in(self, *options: str, code: str | None = None) -> Result:
        person = ["--person", "-" if code else str(self.code)]
        typed = ["--from-export", str(self.copy), "--jwks", str(self.keys), *person, *options]
        return CliRunner().invoke(main, ["import", *typed], input=code)

    def statements(self) -> list[Statement]:
        runtime = open_runtime(load_settings())
        with runtime.ledger.read() as connection:
            person = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        assert person is not None
        found = gather(runtime, person, actor=Actor.person(person))
        runtime.close()
        assert not found.consents
        return list(found.taken.statements)


@pytest.fixture
def elsewhere(
    house: House, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Elsewhere:
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://other.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{folder / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(folder / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    return Elsewhere(folder, house)


def provenance(said: list[Statement]) -> set[tuple[object, ...]]:
    return {(s.fact, s.fact.evidence and s.fact.evidence.digest, s.version, s.counts) for s in said}


def plain(said: list[Statement]) -> list[Statement]:
    """Without the marks of disputes, which do not come along."""
    marks = {Label.DISPUTED}
    return [replace(s, fact=replace(s.fact, labels=s.fact.labels - marks)) for s in said]


def test_the_same_facts_with_the_same_provenance_are_there(elsewhere: Elsewhere) -> None:
    person = furnished(elsewhere.house)
    elsewhere.house.deposit(person)
    here = gather(elsewhere.house.runtime, person, actor=Actor.person(person)).taken.statements
    elsewhere.take_out()
    done = elsewhere.bring_in("--enrol", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["left"] == []
    assert told["values"] == len(here)
    assert provenance(elsewhere.statements()) == provenance(plain(list(here)))


def test_twice_has_its_effect_once_and_a_newer_copy_adds_what_is_new(elsewhere: Elsewhere) -> None:
    furnished(elsewhere.house)
    elsewhere.take_out()
    assert elsewhere.bring_in("--enrol").exit_code == 0
    before = provenance(elsewhere.statements())
    again = elsewhere.bring_in()
    assert again.exit_code == 0, again.output
    assert provenance(elsewhere.statements()) == before
    house = elsewhere.house
    deposited(house.runtime.ledger, house.runtime.vault, house.person(), fact(GROSS, 1))
    elsewhere.take_out()
    assert elsewhere.bring_in().exit_code == 0
    assert len(elsewhere.statements()) == len(before) + 1


def test_consents_stay_with_whom_they_were_given_to(elsewhere: Elsewhere) -> None:
    house = elsewhere.house
    house.deposit(house.person())
    give(house, house.signed_in())
    elsewhere.take_out()
    done = elsewhere.bring_in("--enrol")
    assert done.exit_code == 0, done.output
    assert "1 consents were not brought over" in done.output
    runtime = open_runtime(load_settings())
    with runtime.ledger.read(EVERYONE) as connection:
        person = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        assert person is not None
        assert consents_of(connection, person) == []
        found = entries_about(connection, runtime.ledger, person, kinds=[Kind.EXPORT_IMPORTED])
    runtime.close()
    assert len(found) == 1


def changed(jws: str, how: str) -> str:
    head, payload, signature = jws.split(".")
    match how:
        case "payload":
            return f"{head}.{payload[:40]}A{payload[41:]}.{signature}"
        case "truncated":
            return f"{head}.{payload[:-40]}.{signature}"
        case "signature":
            return f"{head}.{payload}.{'A' * len(signature)}"
        case "unsigned":
            return f"{head}.{payload}."
        case "parts":
            return f"{head}.{payload}"
        case _:
            return ""


@pytest.mark.parametrize("how", ["payload", "truncated", "signature", "unsigned", "parts", "empty"])
def test_what_is_not_as_it_was_signed_is_refused(elsewhere: Elsewhere, how: str) -> None:
    furnished(elsewhere.house)
    elsewhere.copy.write_text(changed(elsewhere.take_out(), how))
    refused = elsewhere.bring_in("--enrol")
    assert refused.exit_code == 1
    assert "Nothing was imported." in refused.output
    assert "the copy is not taken" in refused.output
    assert AINO not in refused.output
    runtime = open_runtime(load_settings())
    with runtime.ledger.read() as connection:
        known = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
    runtime.close()
    assert known is None


def test_other_keys_and_other_kinds_are_refused(house: House) -> None:
    person = furnished(house)
    signer = house.runtime.receipt_signer
    made = document(gather(house.runtime, person, actor=Actor.person(person)), signer.issuer)
    keys = {"keys": [signer.jwk()]}
    assert verified(signer.sign(made, kind=TYPE), keys) == made
    for jws, with_keys, reason in (
        (signer.sign(made, kind=TYPE), {"keys": []}, "unknown-key"),
        (signer.sign(made), keys, "header"),
        (signer.sign({**made, "format": "other"}, kind=TYPE), keys, "schema"),
        (signer.sign({**made, "more": 1}, kind=TYPE), keys, "schema"),
    ):
        with pytest.raises(ExportError) as refused:
            verified(jws, with_keys)
        assert refused.value.reason == reason


@pytest.fixture
def content(house: House) -> dict[str, Any]:
    person = furnished(house)
    return document(gather(house.runtime, person, actor=Actor.person(person)), "x")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"attribute": "income.unheard_of"}, Why.UNKNOWN_ATTRIBUTE),
        ({"source": "unheard-of"}, Why.UNKNOWN_SOURCE),
        ({"about_others": True}, Why.ABOUT_OTHERS),
        ({"labels": ["disputed", "restricted"]}, Why.RESTRICTED),
        ({"observed_at": "2026-13-01T00:00:00Z"}, Why.NO_SUCH_TIME),
        ({"valid_to": "2026-02-30"}, Why.NO_SUCH_TIME),
    ],
)
def test_what_cannot_be_kept_is_told(
    house: House, content: dict[str, Any], change: dict[str, Any], why: Why
) -> None:
    (one,) = [each for each in content["values"] if each["attribute"] == EMPLOYER]
    one |= change
    found = readable(content, house.runtime.catalogue)
    assert [(each.attribute, each.source, each.why) for each in found.left] == [
        (one["attribute"], one["source"], why)
    ]
    assert sum(len(each.facts) for each in found.documents) == 2


def test_an_older_version_does_not_count_where_the_newest_is_closed(
    house: House, content: dict[str, Any]
) -> None:
    for each in content["values"]:
        if each["attribute"] == GROSS and each["counts"]:
            each["about_others"] = True
    found = readable(content, house.runtime.catalogue)
    assert [each.version for each in found.left] == [2, 1]


def test_no_source_has_more_authority_than_here(house: House, content: dict[str, Any]) -> None:
    catalogue = house.runtime.catalogue
    low = {
        id_: replace(each, authority=AuthorityRank.SELF_ASSERTED)
        for id_, each in catalogue.sources.items()
    }
    found = readable(content, replace(catalogue, sources=low))
    assert found.lowered == 3
    assert found.disputed == 1
    ranks = {fact.authority for each in found.documents for fact in each.facts}
    assert ranks == {AuthorityRank.SELF_ASSERTED}


def test_a_restricted_value_does_not_become_free(elsewhere: Elsewhere) -> None:
    house = elsewhere.house
    person = house.person()
    deposited(house.runtime.ledger, house.runtime.vault, person, fact(EMPLOYER, "A"), fact())
    with begin(house.runtime.ledger, actor=Actor.person(person), now=house.clock()) as uow:
        dispute(
            uow,
            house.runtime.vault,
            person,
            attribute=EMPLOYER,
            source=fact(EMPLOYER).source,
            reason=DisputeReason.WRONG,
            restrict=True,
        )
    elsewhere.take_out()
    done = elsewhere.bring_in("--enrol")
    assert done.exit_code == 0, done.output
    assert f"not kept: {EMPLOYER} of incomes-register: restricted-there" in done.output
    assert {each.fact.attribute for each in elsewhere.statements()} == {GROSS}


def test_a_value_of_the_wrong_type_is_told_and_the_others_are_kept(elsewhere: Elsewhere) -> None:
    furnished(elsewhere.house)
    signer = elsewhere.house.runtime.receipt_signer
    content = verified(elsewhere.take_out(), {"keys": [signer.jwk()]})
    for each in content["values"]:
        if each["attribute"] == GROSS and each["counts"]:
            each["value"] = "much"
    elsewhere.copy.write_text(signer.sign(content, kind=TYPE))
    done = elsewhere.bring_in("--enrol", "--json", code=f"{AINO}\n")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert [each["reason"] for each in told["left"]] == ["wrong-value-type"]
    assert told["values"] == 2


def test_whose_copy_it_is_not_does_not_get_it(elsewhere: Elsewhere) -> None:
    house = elsewhere.house
    own_code = fact(AttributeId("person.identity_code"), AINO)
    deposited(house.runtime.ledger, house.runtime.vault, house.person(), own_code)
    elsewhere.take_out()
    refused = elsewhere.bring_in("--enrol", code=f"{VILLE}\n")
    assert refused.exit_code == 1
    assert "other-person" in refused.output
    assert elsewhere.bring_in("--enrol", code=f"{AINO}\n").exit_code == 0


def test_what_is_missing_is_told_with_its_repair(elsewhere: Elsewhere) -> None:
    furnished(elsewhere.house)
    elsewhere.take_out()
    told = elsewhere.bring_in()
    assert "unknown-person" in told.output
    assert "--enrol" in told.output
    assert "is not a personal identity code" in elsewhere.bring_in(code="x\n").output
    elsewhere.keys.write_text("[]")
    assert "no set of keys" in elsewhere.bring_in().output
    elsewhere.copy.write_bytes(b"\xff")
    assert elsewhere.bring_in().exit_code == 1
    assert CliRunner().invoke(main, ["import"]).exit_code == 2
    alone = ["import", "--from-export", str(elsewhere.copy)]
    assert CliRunner().invoke(main, alone).exit_code == 2


@pytest.mark.parametrize("form", ["html", "json", "jsonld", "jws"])
def test_the_operator_writes_the_copy_that_was_asked_for_on_paper(
    elsewhere: Elsewhere, form: str
) -> None:
    furnished(elsewhere.house)
    elsewhere.take_out()
    assert elsewhere.bring_in("--enrol").exit_code == 0
    file = elsewhere.folder / f"paper.{form}"
    typed = ["export", "--reference", "K/7/2026", "--output", str(file), "--form", form]
    done = CliRunner().invoke(main, typed, input=f"{AINO}\n")
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size > 1000
    assert AINO not in done.output
    again = CliRunner().invoke(main, typed, input=f"{AINO}\n")
    assert again.exit_code == 1
    assert "Repair:" in again.output
    runtime: Runtime = open_runtime(load_settings())
    with runtime.ledger.read(EVERYONE) as connection:
        person = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        assert person is not None
        (entry,) = entries_about(connection, runtime.ledger, person, kinds=[Kind.DATA_EXPORTED])
    runtime.close()
    assert (entry.get("case"), entry.get("reason")) == ("K/7/2026", "export-on-request")


def test_nobody_is_exported_who_is_not_here(elsewhere: Elsewhere) -> None:
    file = elsewhere.folder / "nobody.html"
    typed = ["export", str(PersonId(uuid4())), "--reference", "K/7", "--output", str(file)]
    refused = CliRunner().invoke(main, typed)
    assert refused.exit_code == 1
    assert "nobody has this number here" in refused.output
    assert not file.exists()

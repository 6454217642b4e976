"""Study rights; the genuine documents are Koski's own examples with artificial identity codes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import koski
from policies.facts import Value
from tests.connectors.examples import REAL_DATA, RECEIVED, SUBJECT, as_bytes, small, values

GENUINE: dict[str, dict[str, Value]] = {
    "ammatillinen-reforminmukainenperustutkinto2022_2024-08-08": {
        "studies.institution": "Stadin ammattiopisto",
        "studies.degree": "Hyötyajoneuvomekaanikko",
        "studies.status": "Läsnä",
        "studies.expected_end": "2026-05-31",
    },
    "esiopetusvalmis_2022-09-26": {
        "studies.institution": "Jyväskylän normaalikoulu",
        "studies.degree": "001101",
        "studies.status": "Valmistunut",
        "studies.expected_end": "2015-08-03",
    },
    "perusopetuksenoppimaara-paattotodistus_2025-03-20": {
        "studies.institution": "Jyväskylän normaalikoulu",
        "studies.degree": "7",
        "studies.status": "Valmistunut",
        "studies.expected_end": "2016-06-04",
        "studies.credits": 49,
    },
    "vst-koto2022-koulutus-valmistunut_2022-05-24": {
        "studies.institution": "Varsinais-Suomen kansanopisto",
        "studies.degree": "999910",
        "studies.status": "Valmistunut",
        "studies.expected_end": "2023-05-01",
        "studies.credits": 7,
    },
}


def parsed(document: Any) -> dict[str, Value]:
    return values(koski.parse(as_bytes(document), received_at=RECEIVED, subject=SUBJECT))


def right(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["opiskeluoikeudet"][0]
    return found


@pytest.mark.parametrize("name", GENUINE)
def test_a_genuine_study_right_is_read(name: str) -> None:
    document = (REAL_DATA / "koski" / f"{name}.json").read_bytes()
    assert values(koski.parse(document, received_at=RECEIVED)) == GENUINE[name]


def test_the_time_observed_is_the_last_change_in_finnish_time() -> None:
    made = koski.parse(as_bytes(small("koski")), received_at=RECEIVED)
    stated = datetime(2026, 11, 2, 6, 15, 30, 120_000, tzinfo=UTC)
    assert {fact.observed_at for fact in made.facts} == {stated}


def test_without_a_time_of_change_it_is_the_time_received() -> None:
    document = small("koski")
    del right(document)["aikaleima"]
    made = koski.parse(as_bytes(document), received_at=RECEIVED)
    assert {fact.observed_at for fact in made.facts} == {RECEIVED}


def test_studies_under_way_come_before_later_ones_that_have_ended() -> None:
    document = small("koski")
    ended = small("koski")["opiskeluoikeudet"][0]
    ended["alkamispäivä"] = "2025-01-01"
    ended["tila"]["opiskeluoikeusjaksot"][0]["tila"] = {"koodiarvo": "valmistunut"}
    document["opiskeluoikeudet"].insert(0, ended)
    assert parsed(document)["studies.status"] == "Läsnä"


def test_of_two_under_way_the_later_one_counts() -> None:
    document = small("koski")
    later = small("koski")["opiskeluoikeudet"][0]
    later["alkamispäivä"] = "2025-08-10"
    later["oppilaitos"]["nimi"] = {"sv": "Exempelskolan"}
    undated = small("koski")["opiskeluoikeudet"][0]
    del undated["alkamispäivä"]
    document["opiskeluoikeudet"] += [later, undated]
    assert parsed(document)["studies.institution"] == "Exempelskolan"


def test_a_school_without_a_name_keeps_its_oid() -> None:
    document = small("koski")
    right(document)["oppilaitos"] = {"oid": "1.2.246.562.10.1", "nimi": {"se": "Skuvla"}}
    assert parsed(document)["studies.institution"] == "1.2.246.562.10.1"


def test_without_attainments_there_is_neither_degree_nor_credits() -> None:
    document = small("koski")
    right(document)["suoritukset"] = []
    assert not {"studies.degree", "studies.credits"} & parsed(document).keys()


def test_credits_are_whole_and_of_passed_parts_only() -> None:
    document = small("koski")
    parts = right(document)["suoritukset"][0]["osasuoritukset"]
    failed = small("koski")["opiskeluoikeudet"][0]["suoritukset"][0]["osasuoritukset"][0]
    failed["arviointi"][0]["hyväksytty"] = False
    parts += [failed, {"koulutusmoduuli": {}, "arviointi": [{"hyväksytty": True}]}]
    parts += [{"koulutusmoduuli": {}, "arviointi": [{"arvosana": {"koodiarvo": "5"}}]}]
    assert parsed(document)["studies.credits"] == 5


def test_credits_of_two_kinds_have_no_sum() -> None:
    document = small("koski")
    parts = right(document)["suoritukset"][0]["osasuoritukset"]
    other = small("koski")["opiskeluoikeudet"][0]["suoritukset"][0]["osasuoritukset"][0]
    other["koulutusmoduuli"]["laajuus"]["yksikkö"]["koodiarvo"] = "2"
    parts.append(other)
    assert "studies.credits" not in parsed(document)

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.catalogue import Catalogue, UnknownCatalogueEntryError, load_catalogue
from policies.ids import AttributeId, DatasetId, OrganisationId, PurposeId, SourceId
from policies.vocabulary import AuthorityRank, Label, LegalBasis, LevelOfAssurance
from tests.policies.declarations import AMOUNT, GOOD, PLACE, small_catalogue

PAY = DatasetId("pay")
# What the demonstration and the other rooms rely on; an id never changes its meaning.
DATASETS = {
    "person": "given_names family_name identity_code birth_date mother_tongue home_municipality",
    "residence": "street_address postal_code city household_size",
    "income": "monthly_gross employer last_payment_date benefit_monthly yearly_total",
    "studies": "institution degree status expected_end credits",
    "company": "business_id name role legal_form main_business_line",
    "glucose": "latest_value latest_time mean_30_days measurement_count",
}
PURPOSES = {
    "kela-unemployment-benefit": ("kela", LegalBasis.PERMISSION),
    "kela-income-check": ("kela", LegalBasis.STATUTE),
    "employment-service-plan": ("employment-services", LegalBasis.PERMISSION),
    "debt-advice": ("debt-counsel", LegalBasis.CONSENT),
    "clinic-diabetes-care": ("clinic-koivu", LegalBasis.CONSENT),
    "bank-loan-offer": ("bank-example", LegalBasis.CONSENT),
    "food-business-notice": ("food-authority", LegalBasis.PERMISSION),
    "city-housing-support": ("city-social", LegalBasis.PERMISSION),
    "city-social-assistance": ("city-social", LegalBasis.STATUTE),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_entries_hold_what_their_files_say() -> None:
    small = small_catalogue()
    amount, place = small.attribute(AMOUNT), small.attribute(PLACE)
    assert (amount.unit, amount.decimals, amount.sensitive) == ("EUR", 2, True)
    assert (amount.labels, amount.contact) == (frozenset({Label.PROTECTED}), False)
    assert (place.unit, place.decimals, place.labels, place.contact) == (None, 0, frozenset(), True)
    dataset = small.dataset_of(PLACE)
    assert dataset is small.dataset(PAY)
    assert (dataset.attributes, dataset.min_loa) == ((AMOUNT, PLACE), LevelOfAssurance.SUBSTANTIAL)
    source = small.source(dataset.source)
    assert source.authority is AuthorityRank.AUTHORITATIVE_REGISTER
    assert small.organisation(source.organisation).business_id == "9999900-1"
    assert small.purpose(PurposeId("aid")).organisation == source.organisation


@pytest.mark.parametrize(
    ("find", "kind"),
    [
        (lambda known: known.attribute(AttributeId("pay.colour")), "attribute pay.colour"),
        (lambda known: known.dataset_of(AttributeId("pay.colour")), "attribute pay.colour"),
        (lambda known: known.dataset(DatasetId("colour")), "data set colour"),
        (lambda known: known.source(SourceId("colour")), "source colour"),
        (lambda known: known.organisation(OrganisationId("colour")), "organisation colour"),
        (lambda known: known.purpose(PurposeId("colour")), "purpose colour"),
    ],
)
def test_unknown_entry_is_named(find: Callable[[Catalogue], Any], kind: str) -> None:
    with pytest.raises(UnknownCatalogueEntryError, match=f"the catalogue has no {kind}"):
        find(small_catalogue())


def test_catalogue_cannot_be_changed() -> None:
    for entries in (small_catalogue().attributes, small_catalogue().purposes):
        with pytest.raises(TypeError):
            entries["new"] = None  # type: ignore[index]  # that it cannot is the test


def test_digest_does_not_depend_on_order_comments_or_layout(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOOD, tmp_path / "data"))
    path = folder / "organisations.toml"
    agency, shop = path.read_text(encoding="utf-8").split("[shop]")
    path.write_text(f"# Turned round.\n[shop]{shop}\n\n{agency}", encoding="utf-8")
    assert load_catalogue(folder).digest == small_catalogue().digest


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("organisations.toml", 'en = "Agency"', 'en = "Office"'),
        ("sources.toml", 'sv = "Register"', 'sv = "Registret"'),
        ("datasets/pay.toml", 'fi = "Palkkasi."', 'fi = "Sinun palkkasi."'),
        ("datasets/pay.toml", "sensitive = true", "sensitive = false"),
        ("purposes/aid.toml", "max_uses = 3", "max_uses = 4"),
        ("purposes/aid.toml", 'en = "Nobody else."', 'en = "Nobody."'),
    ],
)
def test_digest_changes_with_any_content(tmp_path: Path, file: str, old: str, new: str) -> None:
    folder = Path(shutil.copytree(GOOD, tmp_path / "data"))
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    assert load_catalogue(folder).digest != small_catalogue().digest


def test_ids_that_others_rely_on_are_there_and_no_others(catalogue: Catalogue) -> None:
    expected = {id_: [f"{id_}.{name}" for name in names.split()] for id_, names in DATASETS.items()}
    assert {id_: list(each.attributes) for id_, each in catalogue.datasets.items()} == expected
    assert {
        id_: (each.organisation, each.basis) for id_, each in catalogue.purposes.items()
    } == PURPOSES


def test_catalogue_is_as_large_as_promised(catalogue: Catalogue) -> None:
    recipients = {each.organisation for each in catalogue.purposes.values()}
    assert len(catalogue.datasets) >= 6
    assert len(catalogue.attributes) >= 25
    assert len(recipients) >= 6
    assert len(catalogue.purposes) >= 8


def test_health_data_is_marked_and_needs_the_high_level(catalogue: Catalogue) -> None:
    for attribute in catalogue.attributes.values():
        is_health = attribute.dataset == "glucose"
        assert (Label.ARTICLE_9 in attribute.labels) is is_health
        assert attribute.sensitive is (is_health or attribute.id == "person.identity_code")
    glucose = catalogue.dataset(DatasetId("glucose"))
    assert glucose.min_loa is LevelOfAssurance.HIGH
    # Half a year at most for special categories of data.
    assert glucose.max_validity_days <= 183


def test_what_tells_where_a_person_lives_is_marked(catalogue: Catalogue) -> None:
    assert {id_ for id_, each in catalogue.attributes.items() if each.contact} == {
        "person.home_municipality",
        "residence.street_address",
        "residence.postal_code",
        "residence.city",
    }


def test_dpv_terms_are_in_the_vocabulary(catalogue: Catalogue) -> None:
    path = Path(__file__).parent / "vectors" / "dpv-2.3-terms.txt"
    known = set(path.read_text(encoding="ascii").split())
    used = {each.dpv for each in catalogue.attributes.values()}
    used |= {each.dpv_purpose for each in catalogue.purposes.values()}
    assert used <= known


def test_money_and_tenths_say_their_unit(catalogue: Catalogue) -> None:
    for attribute in catalogue.attributes.values():
        if attribute.type == "money_cents":
            assert (attribute.unit, attribute.decimals) == ("EUR", 2)
        assert bool(attribute.decimals) <= bool(attribute.unit)

"""The register of processing: only what is in the catalogue, in its one form, or no start."""

from pathlib import Path

import pytest

from policies.catalogue import load_catalogue
from policies.data_files import DATA, CatalogueError
from policies.ids import OrganisationId, PurposeId
from policies.processing import FILE, load_processing_register, processing_register

GOOD = DATA.joinpath(FILE).read_text(encoding="utf-8")


def test_it_is_about_the_catalogues_own_entries() -> None:
    catalogue, register = load_catalogue(), processing_register()
    assert set(register.organisations) == set(catalogue.organisations)
    assert set(register.purposes) <= set(catalogue.purposes)


def test_it_says_where_and_for_how_long() -> None:
    register = processing_register()
    assert register.organisations[OrganisationId("bank-example")].storage_locations == ("FI", "SE")
    assert register.purposes[PurposeId("debt-advice")] == "P1Y"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"P1Y"', '"one year"'),
        ('"P1Y"', '"P0Y"'),
        ('["FI", "SE"]', "[]"),
        ('["FI", "SE"]', '["Finland"]'),
        ('address = "00091 PRH"\n', ""),
        ('address = "00091 PRH"', 'address = "00091 PRH"\nphone = "1"'),
        ("[purposes]", "[aims]"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, good: str, bad: str) -> None:
    assert good in GOOD
    (tmp_path / FILE).write_text(GOOD.replace(good, bad), encoding="utf-8")
    with pytest.raises(CatalogueError, match=FILE):
        load_processing_register(tmp_path)

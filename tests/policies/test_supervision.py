"""The complaint authority: complete in three languages, by a safe address, or no start."""

from pathlib import Path

import pytest

from policies.data_files import DATA, CatalogueError
from policies.supervision import FILE, complaint_authority, load_complaint_authority

GOOD = DATA.joinpath(FILE).read_text(encoding="utf-8")


def test_the_authority_has_a_name_in_each_language_and_an_address() -> None:
    found = complaint_authority()
    assert found.name.fi == "Tietosuojavaltuutetun toimisto"
    assert found.name.sv == "Dataombudsmannens byrå"
    assert found.name.en == "Office of the Data Protection Ombudsman"
    assert found.url == "https://tietosuoja.fi/"


@pytest.mark.parametrize(
    ("good", "bad", "member"),
    [
        ('sv = "Dataombudsmannens byrå"\n', "", "name.sv"),
        ('en = "Office', 'en = " Office', "name.en"),
        ("https://", "http://", "url"),
        ("https://tietosuoja.fi/", "https://tietosuoja.fi/?q=1", "url"),
        ('url = "https://tietosuoja.fi/"', "", "url"),
        ("[complaint_authority.name]", 'phone = "1"\n[complaint_authority.name]', "phone"),
    ],
)
def test_a_faulty_file_names_its_member(tmp_path: Path, good: str, bad: str, member: str) -> None:
    assert good in GOOD
    (tmp_path / FILE).write_text(GOOD.replace(good, bad), encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        load_complaint_authority(tmp_path)
    assert (refused.value.entry, refused.value.member) == ("complaint_authority", member)

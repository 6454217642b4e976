"""Stylesheet and font: small, found by content, kept for ever, nothing from elsewhere."""

import re

from service.static_files import FOREVER, address, served
from tests.service.house import House


def test_a_file_is_kept_for_ever_under_its_contents_name(house: House) -> None:
    answer = house.visitor().get(address("app.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == FOREVER
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


def test_the_plain_name_and_a_made_up_one_lead_nowhere(house: House) -> None:
    for name in ["app.css", "app.000000000000.css", "..%2fpages.py", "%2e%2e"]:
        assert house.visitor().get(f"/static/{name}").status_code == 404


def test_what_the_stylesheet_points_to_is_there(house: House) -> None:
    style = house.visitor().get(address("app.css")).text
    targets = re.findall(r'url\("([^"]+)"\)', style)
    assert targets
    assert all(house.visitor().get(f"/static/{name}").status_code == 200 for name in targets)


def test_the_stylesheet_is_small_and_the_licence_of_the_font_is_with_it() -> None:
    sizes = {name.split(".")[0]: len(file.content) for name, file in served().items()}
    assert sizes["app"] <= 15_000
    assert sizes["source-sans-3"] <= 30_000
    assert "source-sans-3-OFL" in sizes


def test_a_page_with_all_its_files_is_at_most_a_hundred_kilobytes(house: House) -> None:
    person = house.person()
    house.deposit(person)
    page = house.signed_in().get("/en/data?show=all").content
    files = [name for name in served() if not name.endswith(".txt")]
    assert len(page) + sum(len(served()[name].content) for name in files) <= 100_000

"""After two records were joined, what was given under the other is still hers to see."""

from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from tests.service.citizen.given import give
from tests.service.house import AINO, VILLE, House, words_of
from vault.merging import merge_people


def joined(house: House) -> str:
    """Aino gave a consent under the record that Ville's takes up; the address of its receipt."""
    house.deposit(house.person())
    _, receipt = give(house, house.signed_in())
    house.clock.advance(seconds=1)
    first, other = house.person(VILLE), house.person(AINO)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock(), about=EVERYONE) as uow:
        merge_people(uow, house.runtime.vault, first=first, other=other)
    return receipt.partition("?")[0]


def test_the_log_and_the_receipts_of_the_other_record_are_shown(house: House) -> None:
    receipt = joined(house)
    browser = house.signed_in(VILLE)
    log = words_of(browser.get("/en/log?show=all&of=1").text)
    assert "You gave" in log
    assert "This data moved to your other data." in log
    assert "Earlier record 1" in words_of(browser.get("/en/log").text)
    listed = browser.get("/en/receipts?of=1").text
    assert receipt in listed
    assert browser.get(receipt).status_code == 200
    assert browser.get(f"{receipt}/file").status_code == 200


def test_who_has_no_earlier_record_sees_none(house: House) -> None:
    receipt = joined(house)
    stranger = house.signed_in("170269-938M")
    assert "Earlier record" not in stranger.get("/en/log").text
    for address in ("/en/log?of=1", "/en/receipts?of=1", receipt):
        assert stranger.get(address).status_code == 404
    assert house.signed_in(VILLE).get("/en/log?of=2").status_code == 404

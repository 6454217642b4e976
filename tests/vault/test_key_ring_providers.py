"""Epochs with every provider, and the move from one to another: all opens, the old key is gone."""

import os
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine

from tests.softhsm import SoftToken
from tests.vault.given import GROSS, deposited, fact, viewed
from tests.vault.providers.every import (
    EVERY,
    Making,
    in_file,
    in_service,
    in_token,
    sealed_by_service,
    sealed_by_token,
)
from tests.vault.ring_house import House
from vault.envelope import UnknownFormatError
from vault.keys import KeyProvider, UnknownKeyError
from vault.providers.file import FileKeyProvider
from vault.providers.moving import FormerProvider, MovingKeyProvider

MOVES = (
    (in_file, in_token),
    (in_file, in_service),
    (in_file, sealed_by_service),
    (in_token, in_service),
    (in_service, in_file),
    (sealed_by_token, in_service),
    (sealed_by_service, in_token),
)


def with_first_key(made: FormerProvider) -> FormerProvider:
    made.add_key()
    return made


def house_of(engine: Engine, provider: KeyProvider) -> House:
    # It says the file's provider and asks for no more than any has.
    return House(engine, cast("FileKeyProvider", provider))


@pytest.mark.parametrize("making", EVERY, ids=lambda making: making.__name__)
def test_an_epoch_ends_with_everything_under_the_new_key(
    engine: Engine, tmp_path: Path, token: SoftToken, making: Making
) -> None:
    provider = with_first_key(making(tmp_path / "keys", token))
    house = house_of(engine, provider)
    person = house.enrol("somebody")
    deposited(house.ledger, house.vault, person, fact())
    context = os.urandom(8)
    old = provider.wrap(bytes(32), context)
    first, second = provider.key_id, house.begin()
    house.rewrap()
    assert house.finish() == [first]
    assert provider.key_ids() == (second,)
    assert len(viewed(house.ledger, house.vault, person, GROSS).facts) == 1
    with pytest.raises(UnknownKeyError):
        provider.unwrap(old, context)
    assert house.begin() != second  # and the next epoch begins


@pytest.mark.parametrize("move", MOVES, ids=lambda move: "-".join(m.__name__ for m in move))
def test_a_move_ends_with_everything_under_the_new_provider(
    engine: Engine, tmp_path: Path, token: SoftToken, move: tuple[Making, Making]
) -> None:
    former = with_first_key(move[0](tmp_path / "keys", token))
    before = house_of(engine, former)
    person = before.enrol("somebody")
    deposited(before.ledger, before.vault, person, fact())
    context = os.urandom(8)
    old, (first,) = former.wrap(bytes(32), context), former.key_ids()

    current = with_first_key(move[1](tmp_path / "keys", token))
    moving = house_of(engine, MovingKeyProvider(former, current))
    assert len(viewed(moving.ledger, moving.vault, person, GROSS).facts) == 1
    assert moving.begin() == current.key_id
    moving.rewrap()
    assert moving.finish() == [first]

    after = house_of(engine, current)
    assert len(viewed(after.ledger, after.vault, person, GROSS).facts) == 1
    generations = after.ring.generations()
    assert [each.key_id for each in generations] == [first, current.key_id]
    assert former.key_ids() == ()
    with pytest.raises(UnknownKeyError):
        former.unwrap(old, context)


def test_what_one_provider_wrapped_no_other_opens(tmp_path: Path, token: SoftToken) -> None:
    made = {
        making: with_first_key(making(tmp_path / making.__name__, token))
        for making in (in_file, in_token, in_service, sealed_by_service)
    }
    for wrapping, provider in made.items():
        blob = provider.wrap(bytes(32), b"")
        for opening, other in made.items():
            if opening is not wrapping:
                with pytest.raises(UnknownFormatError):
                    other.unwrap(blob, b"")

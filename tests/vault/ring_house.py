"""A vault and a log whose keys one provider wraps, and people with a record each."""

import os
from datetime import datetime

from sqlalchemy import Engine, select, text

from audit.model import SYSTEM, Kind
from audit.reader import search
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.vault.given import NOW, catalogue, deposited, fact
from vault.key_ring import DELAY, KeyRing, Progress
from vault.people import enrol
from vault.providers.file import FileKeyProvider
from vault.rewrapping import BATCH
from vault.store.tables import person
from vault.vault import Vault

LATER = NOW + DELAY
SCHEME = "urn:example:test"


class House:
    """A vault and a log whose keys are wrapped by one provider, and a few people."""

    def __init__(self, engine: Engine, provider: FileKeyProvider) -> None:
        self.engine = engine
        self.provider = provider
        self.ledger = Ledger(engine, provider)
        self.vault = Vault(
            provider=provider, index_key=bytes(32), installation="test", catalogue=catalogue()
        )
        self.ring = KeyRing(self.ledger, provider, self.vault)

    def enrol(self, name: object) -> PersonId:
        with begin(self.ledger, actor=SYSTEM, now=NOW) as uow:
            return enrol(uow, self.vault, scheme=SCHEME, identifier=f"somebody-{name}")

    def begin(self, now: datetime = NOW) -> str:
        return self.ring.begin(actor=SYSTEM, now=now)

    def rewrap(self, *, limit: int = BATCH) -> list[Progress]:
        return [*self.ring.rewrap(actor=SYSTEM, clock=lambda: NOW, limit=limit)]

    def finish(self, now: datetime = LATER) -> list[str]:
        return self.ring.finish(actor=SYSTEM, now=now)

    def kinds(self, limit: int = 100) -> list[Kind | None]:
        with self.ledger.read() as connection:
            return [each.kind for each in search(connection, self.ledger, limit=limit)]

    def keys(self) -> list[tuple[str, int, int]]:
        return [(g.key_id, g.person_keys, g.log_keys) for g in self.ring.generations()]


def with_people(engine: Engine, number: int) -> House:
    """A house with so many people and a record of each."""
    house = House(engine, FileKeyProvider({1: os.urandom(32)}))
    for each in range(number):
        deposited(house.ledger, house.vault, house.enrol(each), fact())
    return house


def changed(engine: Engine, statement: str) -> None:
    """Change something past us; the statement finds what it is to change."""
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount > 0


def somebody(house: House) -> PersonId:
    with house.ledger.read() as connection:
        return PersonId(connection.execute(select(person.c.person_id)).scalars().all()[0])

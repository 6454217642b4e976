"""An installation of the vault with its model beside it, and what can be done to both at once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Engine, select

from audit.database import open_engine
from audit.model import SYSTEM, Actor
from audit.outside_journal import OutsideJournal
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.facts import Document, Fact
from policies.ids import DatasetId, PersonId
from tests.database_backup import DatabaseBackup
from tests.postgres import schema_of_its_own
from tests.schema import create_tables
from tests.vault import given
from tests.vault.vault_model import (
    Record,
    Said,
    World,
    dataset_of,
)
from vault.deposits import deposit
from vault.documents import Refusal, RefusedDocumentError
from vault.key_ring import KeyRing
from vault.keys import UnknownKeyError
from vault.providers.file import FileKeyProvider
from vault.replay import replay
from vault.store import tables
from vault.vault import Vault

Opened = Callable[[Path], AbstractContextManager[Engine]]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the database, what it holds, and the keys without which it does not open."""

    backup: DatabaseBackup
    world: World
    needs: frozenset[str]


def sqlite_copies(empty: Path) -> Opened:
    """Copies of one empty database: making the tables takes longer than a run."""
    made = open_engine(f"sqlite:///{empty}")
    create_tables(made)
    with made.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.dispose()

    @contextmanager
    def opened(folder: Path) -> Iterator[Engine]:
        shutil.copy(empty, folder / "vault.db")
        engine = open_engine(f"sqlite:///{folder / 'vault.db'}")
        yield engine
        engine.dispose()

    return opened


def postgresql_schemas(url: str) -> Opened:
    """A schema of its own for each run."""

    @contextmanager
    def opened(_folder: Path) -> Iterator[Engine]:
        with schema_of_its_own(url) as schema:
            engine = open_engine(schema)
            create_tables(engine)
            yield engine
            engine.dispose()

    return opened


class Installation(RuleBasedStateMachine):
    """One installation and its model."""

    opened: Opened
    """How each run gets an empty database with all tables."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp())
        self.engine = self.stack.enter_context(self.opened(self.folder))
        self.provider = FileKeyProvider({1: os.urandom(32)})
        self.journal = OutsideJournal(self.folder / "journal", os.urandom(32))
        self.index_key = os.urandom(32)
        self.now, self.number = given.NOW, 0
        self.world, self.copies = World(), list[Copy]()
        self.told: list[tuple[UUID, PersonId, DatasetId | None] | Said] = []
        self.ever: dict[PersonId, str] = {}
        self.begin_process()

    def begin_process(self) -> None:
        self.ledger = Ledger(self.engine, self.provider, journal=self.journal)
        self.vault = Vault(
            provider=self.provider,
            index_key=self.index_key,
            installation="test",
            catalogue=given.catalogue(),
        )
        self.ring = KeyRing(self.ledger, self.provider, self.vault)

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def work(self, by: PersonId | None = None) -> AbstractContextManager[UnitOfWork]:
        actor = SYSTEM if by is None else Actor.person(by)
        return begin(self.ledger, actor=actor, now=self.clock())

    def someone(self, data: st.DataObject) -> PersonId:
        return data.draw(st.sampled_from(list(self.world.people)))

    def deposits(self, person: PersonId, *facts: Fact, times: int = 1) -> None:
        self.number += 1
        document = Document(
            dataset=dataset_of(facts[0].attribute),
            source=facts[0].source,
            facts=facts,
            digest=hashlib.sha256(str(self.number).encode()).digest(),
        )
        model = self.world.people[person]
        for _ in range(times):  # the same document a second time is not news
            if document.dataset in model.unwanted:
                with pytest.raises(RefusedDocumentError) as refused, self.work() as uow:
                    deposit(uow, self.vault, person, document)
                assert refused.value.reason is Refusal.NOT_WANTED
                return
            with self.work() as uow:
                deposit(uow, self.vault, person, document)
        for fact in facts:
            labels = fact.labels | given.catalogue().attribute(fact.attribute).labels
            kept = replace(fact, labels=labels, evidence=document.evidence)
            place = fact.attribute, fact.source
            model.records.setdefault(place, Record()).versions.append(kept)

    def record(self, data: st.DataObject) -> tuple[PersonId, Record]:
        people = self.world.people.items()
        found = [(p, record) for p, each in people for record in each.records.values()]
        return data.draw(st.sampled_from(found))

    def disputed(self) -> list[tuple[PersonId, Record]]:
        people = self.world.people.items()
        return [(p, r) for p, each in people for r in each.records.values() if r.dispute]

    def copied(self) -> Copy:
        self.number += 1
        backup = DatabaseBackup(self.engine, self.folder, f"copy-{self.number}")
        backup.take()
        needs = frozenset(each.key_id for each in self.ring.generations() if each.keys)
        return Copy(backup, deepcopy(self.world), needs)

    def restore(self, copy: Copy) -> None:
        copy.backup.restore()
        self.world = deepcopy(copy.world)
        self.begin_process()

    def replays(self) -> None:
        done = heard = 0
        for told in self.told:
            if isinstance(told, Said):
                heard += self.world.hear_again(told)
                continue
            erasure, person, dataset = told
            if erasure in self.world.erasures or person not in self.world.people:
                continue
            done += 1
            self.world.erasures.add(erasure)
            if dataset is None:
                del self.world.people[person]
            else:
                self.world.people[person].erase(dataset)
        found = replay(self.ledger, self.vault, self.journal, now=self.clock())
        assert (found.erased, found.ended, found.faults) == (done, 0, ())
        assert len(found.done) == done + heard

    def what_a_destroyed_key_wrapped_opens_no_more(self) -> None:
        with self.ledger.read(EVERYONE) as connection:
            keys = connection.execute(select(tables.person_key)).all()
        here = self.provider.key_ids()
        gone = [key for key in keys if self.vault.wrapped_under(key.wrapped) not in here]
        for key in gone:
            person = PersonId(key.person_id)
            with (
                pytest.raises(UnknownKeyError),
                self.vault.person_key(person, key.version, key.wrapped),
            ):
                pass
            if held := self.world.people[person].held:
                with pytest.raises(UnknownKeyError):
                    given.viewed(self.ledger, self.vault, person, *held)

    def older_keys(self) -> set[str]:
        return {each.key_id for each in self.ring.generations() if each.keys and not each.wraps}

    def person_keys(self, *people: PersonId) -> set[tuple[PersonId, int]]:
        query = select(tables.person_key.c.person_id, tables.person_key.c.version)
        with self.ledger.read(EVERYONE) as connection:
            found = connection.execute(query).all()
        return {(p, version) for p, version in found if not people or p in people}

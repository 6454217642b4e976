"""A person who is forgotten in the log, looked for in all that is left of the database.

A full dump of today and yesterday's backup are searched for every value, salt, id and key that the
log held of her. In today's there is nothing. In yesterday's her fields are sealed, under keys whose
own key is destroyed with its epoch: then nobody opens them, with all keys that are left. What the
index said in clear yesterday (her number here, recipient, purpose, ground) ends with the backup
itself, and this file says so rather than leave it out.
"""

import base64
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, MetaData, select

from audit.bundle import write_bundle
from audit.disclosure import field_of
from audit.erasure import forget
from audit.keys import context_of, event_key
from audit.model import SYSTEM, Actor, Event, Kind
from audit.reader import disclosures, entries_about, everything
from audit.seal import open_part, split_parts
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from policies.ids import AttributeId, ClientId, EventId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis
from tests.audit.sample import AINO, MATTI, NOW, signers
from tests.vault.given import new_vault
from vault.envelope import SealError
from vault.key_ring import DELAY, KeyRing
from vault.providers.file import FileKeyProvider

LATER = NOW + timedelta(days=1)
IN_THE_INDEX = {"subject", "organisation", "purpose", "basis", "kind", "at", "visible_from"}
"""Fields that the index of a living person's events holds in clear (audit.store.tables)."""
EVERYDAY = {"kind", "basis", "actor", "at", "n"}
"""Fields whose values are words, times and numbers that stand in other people's entries too."""
COUNT = 5

Rows = dict[str, list[dict[str, object]]]


def planted(person: PersonId, name: str, number: int = 0) -> Event:
    """An event about the person with a value in every field that stands nowhere else."""
    return Event(
        kind=Kind.DATA_RELEASED,
        subject=person,
        organisation=OrganisationId(f"planted-organisation-{name}"),
        client=ClientId(f"planted-client-{name}-{number}"),
        consent=f"planted-consent-{name}-{number}@1",
        purpose=PurposeId(f"planted-purpose-{name}"),
        basis=LegalBasis.STATUTE,
        attributes=(AttributeId(f"planted.attribute-{name}-{number}"),),
        reason=f"planted-reason-{name}",
        reference=f"planted-reference-{name}-{number}",
        case=f"planted-case-{name}-{number}",
        digest=f"planted-digest-{name}-{number}",
        token=f"planted-token-{name}-{number}",
        policy=(f"planted-policy-{name}@1",),
        mandate=f"planted-mandate-{name}",
        on_behalf_of=OrganisationId(f"planted-town-{name}"),
        visible_from=NOW + timedelta(minutes=number + 1),
    )


@dataclass
class Scene:
    """A log of two people, under keys in files."""

    ledger: Ledger
    provider: FileKeyProvider
    sequencer: Sequencer
    secrets: dict[str, list[bytes]]
    """What the log held of Aino, by kind: values by the names of their fields, salts, keys."""


@pytest.fixture
def scene(engine: Engine, tmp_path: Path) -> Scene:
    provider = FileKeyProvider.open_or_create(tmp_path / "keys")
    ledger = Ledger(engine, provider)
    for number in range(COUNT):
        for person, name in ((AINO, "aino"), (MATTI, "matti")):
            with begin(ledger, actor=SYSTEM, now=NOW) as uow:
                uow.record(planted(person, name, number))
    with begin(ledger, actor=Actor.person(AINO), now=NOW) as uow:
        uow.record(planted(MATTI, "matti", COUNT))  # she acts in another person's entry
    sequencer = Sequencer(ledger, signers())
    sequencer.run_once(NOW)
    return Scene(ledger, provider, sequencer, _secrets(ledger))


def _secrets(ledger: Ledger) -> dict[str, list[bytes]]:
    found: dict[str, set[bytes]] = {"salt": set(), "key": set()}
    with ledger.read() as connection:
        for entry in entries_about(connection, ledger, AINO, limit=COUNT):
            opened = disclosures(connection, ledger, entry.event_id, may_open=everything)
            assert opened is not None
            for each in opened.disclosures:
                name, value = field_of(each)
                salt = base64.urlsafe_b64decode(each + "==").split(b'"')[1]
                found["salt"] |= {salt, each.encode()}
                for text in [value] if isinstance(value, str) else value:
                    found.setdefault(name, set()).add(text.encode())
        for row in rows_of(ledger.engine)["audit_key"]:
            if row["owner"] == f"person:{AINO}":
                key_id, wrapped = row["key_id"], row["wrapped"]
                assert isinstance(key_id, UUID)
                assert isinstance(wrapped, bytes)
                found["key"].add(ledger.log_keys.unwrap(wrapped, context_of(key_id)))
    found["subject"] |= {AINO.bytes, AINO.hex.encode()}
    return {name: sorted(each) for name, each in found.items()}


def rows_of(engine: Engine) -> Rows:
    """A full dump: every row of every table that there is, in the types of the model."""
    from service.migrations.tables import ROOMS

    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for room in ROOMS
            for table in room.sorted_tables
        }


def dump(engine: Engine) -> bytes:
    """The same as bytes, by what the database itself says that there is; of SQLite also the file
    as it lies on the disk, with what it has let go of."""
    found = MetaData()
    found.reflect(engine)
    parts: list[bytes] = []
    with engine.connect() as connection:
        for table in found.sorted_tables:
            for row in connection.execute(select(table)):
                parts += (_bytes(value) for value in row)
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        engine.dispose()
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        parts += (each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    return b"\n".join(parts)


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()


def forms(secret: bytes) -> Iterable[bytes]:
    """The same in the forms in which programs write bytes down."""
    yield secret
    yield secret.hex().encode()
    yield base64.b64encode(secret).rstrip(b"=")
    yield base64.urlsafe_b64encode(secret).rstrip(b"=")


def found_in(dumped: bytes, scene: Scene) -> set[str]:
    """Of what kinds something is found; what stands in everybody's entries is not looked for."""
    return {
        kind
        for kind, each in scene.secrets.items()
        if kind not in EVERYDAY
        if any(form in dumped for secret in each for form in forms(secret))
    }


def forget_aino(scene: Scene) -> None:
    with begin(scene.ledger, actor=SYSTEM, now=LATER) as uow:
        assert forget(uow, AINO, order="H/1")


def end_the_epoch(scene: Scene) -> None:
    """Everything under a new key, and the old one destroyed."""
    vault = new_vault()
    ring = KeyRing(scene.ledger, scene.provider, vault)
    ring.begin(actor=SYSTEM, now=LATER)
    for _ in ring.rewrap(actor=SYSTEM, clock=lambda: LATER):
        pass
    ring.finish(actor=SYSTEM, now=LATER + DELAY)


def opened(backup: Rows, provider: FileKeyProvider) -> int:
    """How many of her fields a thief opens from the rows of a backup with the keys of today."""
    keys = {}
    for row in backup["audit_key"]:
        key_id, wrapped = row["key_id"], row["wrapped"]
        assert isinstance(key_id, UUID)
        assert isinstance(wrapped, bytes)
        try:
            keys[key_id] = provider.unwrap(wrapped, context_of(key_id))
        except SealError:
            continue
    number = 0
    for row in backup["audit_event"]:
        event_id, sealed = row["event_id"], row["sealed"]
        assert isinstance(event_id, UUID)
        assert isinstance(sealed, bytes)
        for key_id, ciphertext in split_parts(sealed):
            if key_id in keys:
                key = event_key(keys[key_id], EventId(event_id))
                number += sum(
                    "aino" in str(field_of(d)) for d in open_part(event_id, key, ciphertext)
                )
    return number


def test_all_that_is_looked_for_was_there(scene: Scene) -> None:
    """Else the other tests would find nothing whatever was left."""
    names = {
        *("organisation", "client", "consent", "purpose", "attributes", "reason", "reference"),
        *("case", "digest", "token", "policy", "mandate", "on_behalf_of", "visible_from"),
        *("subject", "salt", "key", "prev", *EVERYDAY),
    }
    assert {*scene.secrets} == names
    assert (
        found_in(b"\n".join(b for each in scene.secrets.values() for b in each), scene)
        == {*names} - EVERYDAY
    )
    assert opened(rows_of(scene.ledger.engine), scene.provider) > COUNT * 10


def test_a_dump_of_today_holds_nothing_of_her(scene: Scene) -> None:
    forget_aino(scene)
    assert found_in(dump(scene.ledger.engine), scene) == set()
    assert opened(rows_of(scene.ledger.engine), scene.provider) == 0


def test_yesterdays_backup_opens_until_the_epoch_of_its_keys_ends_and_never_again(
    scene: Scene,
) -> None:
    backup, dumped = rows_of(scene.ledger.engine), dump(scene.ledger.engine)
    forget_aino(scene)
    assert opened(backup, scene.provider) > COUNT * 10
    end_the_epoch(scene)
    assert opened(backup, scene.provider) == 0
    # Sealed is all but what the index says in clear: that ends with the backup itself.
    assert found_in(dumped, scene) <= IN_THE_INDEX


def test_the_others_are_read_as_before_and_every_proof_verifies(scene: Scene) -> None:
    forget_aino(scene)
    end_the_epoch(scene)
    scene.sequencer.run_once(LATER + DELAY)
    with scene.ledger.read() as connection:
        bundle = write_bundle(connection, scene.ledger, signers=signers())
        others = entries_about(connection, scene.ledger, MATTI)
        assert entries_about(connection, scene.ledger, AINO) == []
    report = verify_bundle(bundle)
    assert report.size >= 2 * COUNT + 2
    assert [each.kind for each in others] == [Kind.DATA_RELEASED] * (COUNT + 1)

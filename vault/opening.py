"""Opening sealed records: the seal's content, with the marks that stand beside the record.

Only for `vault.release` and `vault.viewing`, which ask for a permit first.
"""

from collections.abc import Iterable
from dataclasses import replace

from policies.facts import Fact
from policies.ids import PersonId
from vault.envelope import Place, unseal
from vault.payload import CONTENT_TYPE, decode
from vault.store.records import SealedRecord
from vault.vault import Vault


def open_records(
    vault: Vault, person: PersonId, rows: Iterable[SealedRecord]
) -> list[tuple[SealedRecord, Fact]]:
    """Each record with its fact; a key is unwrapped once for all that it opens.

    Raises a SealError when a stored record does not open.
    """
    stored = list(rows)
    opened = []
    for key in {row.key for row in stored}:
        with vault.person_key(person, key.version, key.wrapped) as plain_key:
            opened += [
                (row, _open(vault, person, row, plain_key)) for row in stored if row.key == key
            ]
    return opened


def _open(vault: Vault, person: PersonId, row: SealedRecord, key: bytearray) -> Fact:
    place = Place(
        installation=vault.installation,
        person=person,
        dataset=row.dataset,
        record=row.record,
        version=row.version,
        field=row.attribute,
        key_version=row.key.version,
        content_type=CONTENT_TYPE,
    )
    fact = decode(row.attribute, unseal(key, place, row.sealed))
    return replace(fact, labels=fact.labels | row.marks) if row.marks else fact

"""Chosen entries with what proves them: for a sample that leaves the house.

Of each entry only the named fields are disclosed; what is left out stays a digest, and the rest
proves all the same. An index may stand for no event: the first of a later log holds the last
checkpoint of the log before it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from audit.disclosure import field_of
from audit.merkle import inclusion_proof
from audit.own_log import DamagedEntry, OwnEntry
from audit.reader import Opened, opened_at
from audit.seal import SealedEventError
from audit.search import damaged
from audit.store import reading
from audit.tlog_proof import TlogProof
from audit.tree import StoredTree
from audit.unit_of_work import Ledger


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry. `digests` and `disclosures` are empty where it stands for no event, or for one
    that was changed."""

    index: int
    entry: OwnEntry | None
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]
    proof: str
    """That the entry stands at its index, as `.tlog-proof` text."""


def evidence(
    connection: Connection,
    ledger: Ledger,
    tree: StoredTree,
    note: bytes,
    indexes: Sequence[int],
    *,
    names: Collection[str],
) -> list[Evidence]:
    """The entries at these indexes of the tree whose checkpoint is signed in the note."""
    opened = _opened(connection, ledger, tree.log, indexes)
    made = []
    for index in indexes:
        proof = str(TlogProof(index, tuple(inclusion_proof(tree.node, index, tree.size)), note))
        found = opened.get(index)
        if isinstance(found, Opened):
            named = tuple(each for each in found.disclosures if field_of(each)[0] in names)
            made.append(Evidence(index, found.entry, found.digests, named, proof))
        else:
            made.append(Evidence(index, found, (), (), proof))
    return made


def _opened(
    connection: Connection, ledger: Ledger, log: str, indexes: Sequence[int]
) -> dict[int | None, Opened | DamagedEntry]:
    """By index; one by one where one of them is damaged."""
    try:
        found = opened_at(connection, ledger, log, indexes)
    except SealedEventError:
        if len(indexes) == 1:
            return {row.index: damaged(row) for row in reading.at_indexes(connection, log, indexes)}
        each = (_opened(connection, ledger, log, [index]) for index in indexes)
        return dict(pair for one in each for pair in one.items())
    return {each.entry.index: each for each in found}

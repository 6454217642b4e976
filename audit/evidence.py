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
from audit.model import Entry
from audit.reader import opened_at
from audit.tlog_proof import TlogProof
from audit.tree import StoredTree
from audit.unit_of_work import Ledger


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry. `digests` and `disclosures` are empty where it stands for no event."""

    index: int
    entry: Entry | None
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
    opened = {each.entry.index: each for each in opened_at(connection, ledger, tree.log, indexes)}
    made = []
    for index in indexes:
        proof = str(TlogProof(index, tuple(inclusion_proof(tree.node, index, tree.size)), note))
        found = opened.get(index)
        if found is None:
            made.append(Evidence(index, None, (), (), proof))
            continue
        disclosures = tuple(each for each in found.disclosures if field_of(each)[0] in names)
        made.append(Evidence(index, found.entry, found.digests, disclosures, proof))
    return made

"""Proofs as a reader has them verified, for tests of whoever gives them out."""

from collections.abc import Collection

from sqlalchemy import Connection

from audit.checkpoint import Checkpoint
from audit.cosignature import AnyVerifier
from audit.event_proof import verify_entry
from audit.merkle import inclusion_proof
from audit.proofs import checkpoint_at, signed_tree
from audit.tlog_proof import TlogProof
from audit.trust import Trust


def proven(text: str, entry: bytes, verifiers: Collection[AnyVerifier]) -> Checkpoint:
    """The checkpoint under which a `.tlog-proof` shows that the entry stands."""
    _, signed = verify_entry(text, entry, Trust(tuple(verifiers)), file="proof")
    return signed.checkpoint


def proof_at(connection: Connection, log: str, index: int) -> str:
    """The proof of the entry at an index of a log, from nothing but its hashes."""
    tree = signed_tree(connection, log=log)
    assert tree is not None
    note = checkpoint_at(connection, tree.size, log=log)
    assert note is not None
    return str(TlogProof(index, tuple(inclusion_proof(tree.node, index, tree.size)), note))

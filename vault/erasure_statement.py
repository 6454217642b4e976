"""The statement that a person gets of an erasure: signed, so that she can show it to anybody.

It holds codes, numbers and names of data sets, and neither who she is nor under which id she stood
here: who holds the file is the one whom it is for. It is kept for a while so that she can fetch it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.receipt_jws import ReceiptSigner, verify_receipt
from policies.erasure import Stays
from vault.erasure import Erasure
from vault.store import statements as store
from vault.store.statements import Statement

TYPE = "erasure-statement+jwt"
KEPT = timedelta(days=30)

__all__ = ["Statement", "content_of", "issue_statement", "statement", "sweep", "verify_statement"]


def issue_statement(
    uow: UnitOfWork, made: Erasure, signer: ReceiptSigner, *, backups: timedelta
) -> Statement:
    """Sign and store the statement, in the unit of work of the erasure.

    `backups` is how long a copy may lie in a backup: the operator's promise.
    """
    issued = Statement(
        erasure=made.id,
        person=made.person,
        jws=signer.sign(_payload(made, signer.issuer, made.at + backups), kind=TYPE),
        issued_at=uow.now,
        kept_until=uow.now + KEPT,
    )
    store.add(uow.connection, issued)
    return issued


def statement(connection: Connection, erasure: UUID, *, now: datetime) -> Statement | None:
    """The statement of an erasure while it is kept; whose it is, the caller must look at."""
    return store.find(connection, erasure, now=now)


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete the statements whose time is over; how many there were."""
    return store.delete_old(connection, now=now)


def content_of(issued: Statement) -> dict[str, Any]:
    """What it says. It is our own, from our own store: whoever else reads it verifies."""
    part = issued.jws.split(".")[1]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


def verify_statement(jws: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement says that one of these keys has signed. Raises ReceiptError."""
    return verify_receipt(jws, jwks, kind=TYPE)


def _payload(made: Erasure, issuer: str, backups_until: datetime) -> dict[str, object]:
    return {
        "iss": issuer,
        "iat": int(made.at.timestamp()),
        "erasure_id": str(made.id),
        "event_id": str(made.event_id),
        "scope": "everything" if made.whole else "data-set",
        "datasets": list(made.datasets),
        "cause": made.cause.value,
        "consents_ended": len(made.ended),
        "told": list(made.told),
        "stays": [each.value for each in Stays],
        "backups_until": backups_until.date().isoformat(),
    }

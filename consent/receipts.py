"""Consent receipts: what the person keeps, and what holds when the vault is gone.

ISO/IEC TS 27560:2023 clause 6.4: a receipt has an id of its own and carries the record as it was.
One is given for each answer and for each change of what may be fetched, whoever brought it about,
in the transaction of its event: to give, refuse, narrow, renew, stop for a while and go on,
withdraw, revoke, invalidate, and to expire by time or by the last use. A consent that a newer one
replaces has no receipt of that: the newer one has its own.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.model import Command, ConsentRecord, Receipt
from consent.receipt_jws import ReceiptError, ReceiptSigner, digest_of, verify_receipt
from consent.record import SCHEMA_VERSION, withdrawal_path
from consent.store import receipts as store
from consent.store import records
from policies.ids import ConsentId, PersonId, ReceiptId, new_uuid
from policies.supervision import complaint_authority
from policies.vocabulary import Language

__all__ = [
    "Receipt",
    "ReceiptError",
    "ReceiptSigner",
    "issue_due",
    "issue_receipt",
    "receipt",
    "receipt_of_record",
    "receipts_of",
    "receipts_of_consents",
    "verify_receipt",
]


_WITH_RECEIPT = frozenset(
    each.reason
    for each in (
        Command.GIVE,
        Command.GIVE_FIRST_OF_MANY,
        Command.GIVE_LAST_OF_MANY,
        Command.REFUSE,
        Command.NARROW,
        Command.RENEW,
        Command.SUSPEND,
        Command.RESUME,
        Command.WITHDRAW,
        Command.REVOKE,
        Command.INVALIDATE,
        Command.REACH_END,
        Command.USE_LAST,
        Command.SUBJECT_DIED,
    )
)
_ABOUT_CONSENTS = "consent."


def issue_due(uow: UnitOfWork, *, signer: ReceiptSigner) -> None:
    """Issue the receipts of what this unit of work has done to consents, as far as it has not.

    The ledger's last act in each unit of work (audit.unit_of_work), so that a job, a fetch that
    took the last use, and an operator leave a receipt behind just as the person's own answer does.
    """
    for event_id, happened in uow.stated:
        if not happened.kind.startswith(_ABOUT_CONSENTS):
            continue
        record = records.of_event(uow.connection, event_id)
        if record is None or record.content["events"][-1]["event_reason"] not in _WITH_RECEIPT:
            continue
        if store.of_record(uow.connection, record.consent, record.version) is None:
            issue_receipt(uow, record, signer)


def issue_receipt(uow: UnitOfWork, record: ConsentRecord, signer: ReceiptSigner) -> Receipt:
    """Sign and store the receipt of a record, in the unit of work that made the record."""
    receipt_id = ReceiptId(new_uuid())
    issued = Receipt(
        id=receipt_id,
        person=record.person,
        consent=record.consent,
        version=record.version,
        jws=signer.sign(_payload(uow, record, signer, receipt_id)),
        issued_at=uow.now,
        event_id=record.event_id,
    )
    store.add(uow.connection, issued)
    return issued


def receipt(connection: Connection, receipt_id: ReceiptId) -> Receipt | None:
    """The receipt of that id; whose it is stands in it, and the caller must look."""
    return store.find(connection, receipt_id)


def receipts_of(
    connection: Connection,
    person: PersonId,
    *,
    after: Receipt | None = None,
    limit: int | None = None,
) -> list[Receipt]:
    """The person's receipts, newest first.

    For a list in pages: at most `limit`, from the one after the last of the page before.
    """
    return store.of_person(connection, person, after=after, limit=limit)


def receipts_of_consents(connection: Connection, consents: Collection[ConsentId]) -> list[Receipt]:
    """The receipts of these consents, newest first."""
    return store.of_consents(connection, consents)


def receipt_of_record(
    connection: Connection, consent_id: ConsentId, version: int
) -> Receipt | None:
    """The receipt of one version of a consent."""
    return store.of_record(connection, consent_id, version)


def _payload(
    uow: UnitOfWork, record: ConsentRecord, signer: ReceiptSigner, receipt_id: ReceiptId
) -> dict[str, Any]:
    content = record.content
    processing, notice = content["processing"], content["processing"]["privacy_notice"]
    return {
        "iss": signer.issuer,
        "aud": [content["header"]["pii_principal_id"], content["parties"][0]["party_id"]],
        "iat": int(uow.now.timestamp()),
        "receipt_id": str(receipt_id),
        "schema_version": SCHEMA_VERSION,
        "record": content,
        "record_hash": f"sha256:{record.digest}",
        "notice": {
            "version": notice["notice_version_id"],
            "language": processing["language"],
            "digest": notice["content_hash"],
        },
        "presentation_digest": notice["presentation_hash"],
        "event_id": str(record.event_id),
        "policy_set_hash": None if uow.ledger.rules is None else f"sha256:{uow.ledger.rules}",
        "previous_receipt": _previous(uow, record),
        "how_to_withdraw": [
            {"channel": "web", "at": signer.issuer + withdrawal_path(processing["language"])}
        ],
        "complaint_authority": _complaint_authority(),
    }


def _previous(uow: UnitOfWork, record: ConsentRecord) -> dict[str, str] | None:
    """The receipt before this one, by its digest, so that none of them can be left out unseen."""
    before = store.of_consents(uow.connection, [record.consent])
    if not before:
        return None
    return {"receipt_id": str(before[0].id), "digest": f"sha256:{digest_of(before[0].jws)}"}


def _complaint_authority() -> dict[str, object]:
    """Where to complain, as a party of the receipt."""
    authority = complaint_authority()
    name = {each.value: authority.name.in_language(each) for each in Language}
    return {"party_name": name, "party_url": authority.url, "party_type": "authority"}

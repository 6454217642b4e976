"""`consent-vault receipt`: what a receipt says, and whether it is what it says, without us."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from service.cli.failure import Failure

if TYPE_CHECKING:
    from audit.event_proof import ProvenEvent
    from consent.receipt_check import CheckedReceipt

_FILE = click.File("rb")
WHY = {
    "form": "it is not a receipt, or not in the one form of it",
    "header": "its header is not that of a receipt",
    "unknown-key": "none of the keys that you name is the one that it names",
    "signature": "it was not signed by that key, or was changed afterwards",
    "payload": "what is signed is not in canonical form",
    "content": "what is signed is not what a receipt says",
    "record-digest": "the record in it is not the one of its digest",
    "proof-form": "the proof in it is not one",
    "other-event": "the proof in it is about another event or another record",
    "sequence": "the receipts do not follow upon each other: one between them is missing",
}


@click.group()
def receipt() -> None:
    """Verify receipts of consents offline."""


@receipt.command()
@click.argument(
    "path", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True
)
@click.option("--jwks", type=_FILE, required=True, help="Key set of the vault (/oauth/jwks).")
@click.option("--vkey", multiple=True, help="Key of the log, from a source that you trust.")
@click.option("--policy", type=_FILE, help="The logs and witnesses that you trust (tlog-policy).")
@click.option("--json", "as_json", is_flag=True, help="Say it for a program.")
def verify(
    path: tuple[Path, ...],
    jwks: BinaryIO,
    vkey: tuple[str, ...],
    policy: BinaryIO | None,
    as_json: bool,
) -> None:
    """Check the receipts in PATH; needs no database and no network.

    With a key of the log (--vkey or --policy) also that the log holds the event of each. Several
    receipts of one consent must follow upon each other.
    """
    from audit.faults import BundleError
    from audit.verification import QuestionError, trust_of
    from consent.receipt_check import check_file, check_sequence
    from consent.receipt_jws import ReceiptError

    keys = _keys(jwks)
    try:
        trust = trust_of(vkey, policy.read() if policy else None, None, now=datetime.now(UTC))
    except QuestionError as error:
        raise click.UsageError(str(error)) from error
    try:
        checked = [check_file(each.read_bytes(), keys, trust, file=each.name) for each in path]
        check_sequence(checked)
    except (ReceiptError, BundleError) as error:
        why = WHY[error.reason] if isinstance(error, ReceiptError) else str(error)
        if as_json:
            click.echo(json.dumps({"verified": False, "reason": why}))
            raise click.exceptions.Exit(1) from error
        raise Failure(
            f"{' '.join(map(str, path))} does not verify.",
            why=why,
            repair="download the receipt again, and take the keys from where the vault publishes"
            " them; if it fails still, ask the vault's authority about it",
        ) from error
    if as_json:
        found = [_as_json(each, file.name) for each, file in zip(checked, path, strict=True)]
        click.echo(json.dumps({"verified": True, "receipts": found}, ensure_ascii=False))
        return
    for each, file in zip(checked, path, strict=True):
        click.echo("\n".join(_told(each, file.name)))


def _keys(file: BinaryIO) -> Mapping[str, Any]:
    """The key set. Raises Failure."""
    from consent.strict_json import StrictJsonError, parse_strict

    try:
        found = parse_strict(file.read(), max_bytes=65_536, max_depth=8)
    except StrictJsonError:
        found = None
    match found:
        case {"keys": [*keys]} if all(isinstance(each, dict) for each in keys):
            return {"keys": keys}
        case _:
            raise Failure(
                f"{file.name} is not a key set.",
                why='it is not a JSON object with the member "keys" (RFC 7517)',
                repair="save what the vault publishes under /oauth/jwks",
            )


def _told(checked: "CheckedReceipt", file: str) -> Iterator[str]:
    content = checked.content
    yield f"{file}: receipt {content.id}, signed by {content.issuer}"
    yield f"  consent {content.record}, version {content.version}: {content.status}"
    yield f"  purpose {content.purpose} of {content.organisation}"
    yield f"  {content.happened.reason} at {content.happened.at.isoformat()}"
    yield f"  given: {', '.join(content.granted) or 'nothing'}"
    if content.refused:
        yield f"  not given: {', '.join(content.refused)}"
    if content.not_after is not None:
        yield f"  in force until {content.not_after.isoformat()}, unless it ends before"
    yield f"  SHA-256 of the signed file: {checked.digest}"
    yield from _told_of_log(checked)


def _told_of_log(checked: "CheckedReceipt") -> Iterator[str]:
    if not checked.carries_proof:
        yield "It carries no proof of the log: download it again, it has one a few seconds later"
        return
    if checked.proven is None:
        yield "Its proof of the log is not checked: name a key of the log with --vkey"
        return
    checkpoint = checked.proven.signed.checkpoint
    yield f"Its event stands in {checkpoint.origin} at {checked.proven.index}, in a signed tree"
    yield f"  of {checkpoint.size} entries"
    for name, at in checked.proven.signed.cosigned.items():
        yield f"  cosigned by {name} at {at.isoformat()}"


def _as_json(checked: "CheckedReceipt", file: str) -> dict[str, Any]:
    content, proven = checked.content, checked.proven
    return {
        "file": file,
        "receipt_id": str(content.id),
        "issuer": content.issuer,
        "record_id": str(content.record),
        "version": content.version,
        "status": content.status.value,
        "reason": content.happened.reason,
        "at": content.happened.at.isoformat(),
        "purpose": content.purpose,
        "organisation": content.organisation,
        "granted": list(content.granted),
        "refused": list(content.refused),
        "not_after": None if content.not_after is None else content.not_after.isoformat(),
        "sha256": checked.digest,
        "carries_proof": checked.carries_proof,
        "log": None if proven is None else _log_as_json(proven),
    }


def _log_as_json(proven: "ProvenEvent") -> dict[str, Any]:
    checkpoint = proven.signed.checkpoint
    return {
        "origin": checkpoint.origin,
        "index": proven.index,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "cosigned": {name: at.isoformat() for name, at in proven.signed.cosigned.items()},
    }

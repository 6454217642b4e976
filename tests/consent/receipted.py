"""Receipts as a person holds them: issued by themselves, with the proof of a signed log."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.database import open_engine
from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.reader import own
from audit.sequencer import Sequencer
from audit.trust import Trust
from audit.unit_of_work import Ledger
from consent.model import Receipt
from consent.receipt_check import FIELDS
from consent.receipt_file import ReceiptFile
from consent.receipts import ReceiptSigner, issue_due, receipts_of
from policies.ids import PersonId
from tests.audit.sample import signer, signers
from tests.consent.flow import NOW, Flow
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

ISSUER = "https://vault.example"
SIGNER = ReceiptSigner(ISSUER, Ed25519PrivateKey.generate(), "receipts-1")
JWKS = {"keys": [SIGNER.jwk()]}
TRUST = Trust.of(signer().vkey)
RULES = "ab" * 32


def issuing(ledger: Ledger) -> Ledger:
    """The same ledger, issuing receipts by itself as the service's does."""
    ledger.closing = (partial(issue_due, signer=SIGNER),)
    ledger.rules = RULES
    return ledger


def received(ledger: Ledger, person: PersonId) -> list[Receipt]:
    """The person's receipts, oldest first."""
    with ledger.read() as connection:
        return receipts_of(connection, person)[::-1]


def proof(ledger: Ledger, receipt: Receipt) -> EventProof:
    """What the log says of the receipt's event, after it has signed."""
    Sequencer(ledger, signers()).run_once(NOW)
    with ledger.read() as connection:
        made = event_document(
            connection,
            ledger,
            receipt.event_id,
            may_open=own(receipt.person),
            fields=FIELDS,
        )
    assert made is not None
    return made


@contextmanager
def house() -> Iterator[Ledger]:
    """A ledger on SQLite for a module's tests."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'vault.db'}")
        create_tables(engine)
        yield issuing(Ledger(engine, MemoryWrapper()))
        engine.dispose()


def given_and_withdrawn(ledger: Ledger) -> list[ReceiptFile]:
    """The files of a consent that was given for one case and withdrawn."""
    flow = Flow(ledger)
    given = flow.given(details_case="A/7")
    flow.withdraw(given)
    found = received(ledger, given.person)
    return [ReceiptFile(each.jws, proof(ledger, each)) for each in found]

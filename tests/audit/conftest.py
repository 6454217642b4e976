"""A log for each test of this room, on each of the two databases in turn."""

import pytest

from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from tests.audit.sample import signer


@pytest.fixture
def sequencer(ledger: Ledger) -> Sequencer:
    """A sequencer that has not run yet."""
    return Sequencer(ledger, signer())

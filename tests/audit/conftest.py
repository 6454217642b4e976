"""A log for each test of this room, on each of the two databases in turn."""

import pytest
from sqlalchemy import Engine

from audit.bundle import write_bundle
from audit.container import unpack
from audit.database import open_engine
from audit.model import Event, Kind
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.unit_of_work import Ledger
from tests.audit.exported import Files
from tests.audit.sample import NOW, record, signers
from tests.wrapping import MemoryWrapper


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """An empty database with this room's tables only: it is made for each of many tests."""
    metadata.create_all(empty_engine)
    return empty_engine


@pytest.fixture
def sequencer(ledger: Ledger) -> Sequencer:
    """A sequencer that has not run yet."""
    return Sequencer(ledger, signers())


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three events: two about Aino, one about nobody."""
    folder = tmp_path_factory.mktemp("log")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    record(ledger, 2)
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED))
    Sequencer(ledger, signers()).run_once(NOW)
    with ledger.read() as connection:
        made = write_bundle(connection, ledger, signers=signers())
    ledger.engine.dispose()
    return made


@pytest.fixture
def files(bundle: bytes) -> Files:
    return unpack(bundle)

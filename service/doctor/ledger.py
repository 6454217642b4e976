"""The log of an installation, opened for a look with nothing but its keys."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Engine

from audit.unit_of_work import Ledger
from service.key_provider import open_provider
from service.settings import Settings


@contextmanager
def ledger_of(engine: Engine, settings: Settings) -> Iterator[Ledger]:
    with closing(open_provider(settings, first=False)) as provider:
        yield Ledger(engine, provider)

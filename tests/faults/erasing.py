"""Erases people, one in each life, and ends each life by SIGKILL a little later in its work.

`python -m tests.faults.erasing URL FOLDER PERSON…` forks for every person. The life counts the
functions of ours that are entered and left, and kills itself at the number that is its turn, so
the blows fall everywhere between the first line and the last, behind the commit as well. A turn
that never comes kills nobody: such a life tells how far there is to count. What was told on
standard output is known to somebody.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import UUID

from audit.database import open_engine
from audit.model import Actor
from audit.outside_journal import OutsideJournal
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.vault.given import NOW, catalogue
from vault.erasure import Request, erase_person
from vault.providers.file import FileKeyProvider
from vault.vault import Vault

OURS = tuple(
    str(Path(__file__).resolve().parents[2] / room) for room in ("audit", "consent", "vault")
)
JOURNAL_KEY = bytes(range(32))


def tell(line: str) -> None:
    """At once and whole."""
    os.write(1, f"{line}\n".encode())


def opened(url: str, folder: Path) -> tuple[Ledger, Vault]:
    """The ledger with its journal, and the vault, as every process of the installation has them."""
    provider = FileKeyProvider.open_or_create(folder / "keys")
    journal = OutsideJournal(folder / "journal", JOURNAL_KEY)
    vault = Vault(
        provider=provider, index_key=bytes(32), installation="test", catalogue=catalogue()
    )
    return Ledger(open_engine(url), provider, journal=journal), vault


class Blow:
    """A profiler that kills the process at its turn, and counts."""

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self.counted = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event in {"call", "return"} and frame.f_code.co_filename.startswith(OURS):
            self.counted += 1
            if self.counted == self._turn:
                os.kill(os.getpid(), signal.SIGKILL)


def erase(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        erase_person(uow, vault, person, Request.by_wish())


def live(ledger: Ledger, vault: Vault, person: PersonId, turn: int) -> None:
    """One life: erase the person, perhaps not to the end."""
    ledger.engine.dispose(close=False)  # the parent's connections are the parent's
    blow = Blow(turn)
    sys.setprofile(blow)
    erase(ledger, vault, person)
    sys.setprofile(None)
    tell(f"erased {person}")
    tell(f"counted {blow.counted}")


def main(url: str, folder: str, first: str, *others: str) -> None:
    """The first one is erased here: what is made once in a process, each life finds made. For each
    of the others a turn comes on standard input, and how the life has ended is told."""
    ledger, vault = opened(url, Path(folder))
    erase(ledger, vault, PersonId(UUID(first)))
    ledger.engine.dispose()
    for name, turn in zip(others, sys.stdin, strict=False):
        life = os.fork()
        if life == 0:
            live(ledger, vault, PersonId(UUID(name)), int(turn))
            os._exit(0)
        _, status = os.waitpid(life, 0)
        tell(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(*sys.argv[1:])

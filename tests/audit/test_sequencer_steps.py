"""Each step of the sequencer, cut off before it was done and after: as Sunlight tests its own.

What a step wrote before the fault counts for nothing until the commit; a commit whose answer was
lost counts. Each time the same process goes on and a fresh one starts, and both find one history.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from audit.checkpoint import Checkpoint
from audit.scope import Scope
from audit.sequencer import Sequencer
from audit.transaction import Writer
from audit.unit_of_work import Ledger
from tests.audit.checking import ActingSigner, check_log
from tests.audit.faulty import refuse, repair
from tests.audit.sample import LOG, NOW, record, signers

WRITES = {
    "the queue": ("audit_queue", "DELETE"),
    "the leaves": ("audit_leaf", "INSERT"),
    "the tiles": ("audit_tile", "INSERT"),
    "the checkpoint": ("audit_checkpoint", "INSERT"),
}
LATER = NOW + timedelta(days=40)
"""In the next half-year."""
MOMENTS = {"in the same half-year": NOW, "at the turn of the half-year": LATER}


class LostError(Exception):
    """The process is not there any more."""


class Unanswered(Writer):
    """Commits, and the answer to that is lost."""

    @contextmanager
    def unaccounted_transaction(self, scope: Scope | None = None) -> Iterator[Connection]:
        with super().unaccounted_transaction(scope) as connection:
            yield connection
        raise OperationalError("COMMIT", None, ConnectionError("lost"))


@pytest.fixture
def begun(ledger: Ledger, sequencer: Sequencer) -> Sequencer:
    """A sequencer that has placed 200 events, with 200 more waiting: the first tile fills."""
    record(ledger, 200)
    sequencer.run_once(NOW)
    record(ledger, 200)
    return sequencer


@pytest.fixture(params=[False, True], ids=["same process", "new process"])
def go_on(request: pytest.FixtureRequest, ledger: Ledger) -> Callable[[Sequencer], Sequencer]:
    """Who takes the work up again: the process that met the fault, or one after it."""
    return lambda same: Sequencer(ledger, signers()) if request.param else same


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("step", WRITES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_write_cut_off(
    ledger: Ledger,
    begun: Sequencer,
    step: str,
    after: bool,
    moment: str,
) -> None:
    table, change = WRITES[step]
    now = MOMENTS[moment]
    if now is LATER:
        record(ledger, 100)  # so that a tile is filled in the new tree too
    refuse(ledger.engine, table, change, after=after)
    with pytest.raises(DBAPIError, match="planted"):
        begun.run_once(now)
    assert check_log(ledger) == 200
    repair(ledger.engine, table)
    logs, more = ((LOG, "2027h1"), 1 + 300) if now is LATER else ((LOG,), 200)
    assert begun.run_once(now) is not None
    assert check_log(ledger, *logs) == 200 + more
    record(ledger)
    assert Sequencer(ledger, signers()).run_once(now) is not None
    assert check_log(ledger, *logs) == 200 + more + 1


@pytest.mark.parametrize("after", [False, True], ids=["not signed", "signed"])
def test_a_signature_cut_off_leaves_the_process_nowhere(
    ledger: Ledger, begun: Sequencer, go_on: Callable[[Sequencer], Sequencer], after: bool
) -> None:
    def lost() -> None:
        raise LostError

    published: list[Checkpoint] = []
    signer = SigningThenLost() if after else ActingSigner(lost)
    cut = Sequencer(ledger, signer, publish=[lambda made, _: published.append(made)])
    with pytest.raises(LostError):
        cut.run_once(NOW)
    assert (published, check_log(ledger)) == ([], 200)
    assert go_on(begun).run_once(NOW) is not None
    assert check_log(ledger) == 400


class SigningThenLost(ActingSigner):
    """Signs, and is lost with the signature."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def sign(self, *given: object) -> bytes:
        assert super().sign(*given)  # type: ignore[arg-type]  # handed on as it came
        raise LostError


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_commit_whose_answer_was_lost_counts_and_is_not_published_twice(
    ledger: Ledger, go_on: Callable[[Sequencer], Sequencer], moment: str
) -> None:
    now, published = MOMENTS[moment], list[int]()
    record(ledger, 200)
    Sequencer(ledger, signers()).run_once(NOW)
    record(ledger, 200)
    whole, ledger.writer = ledger.writer, Unanswered(ledger.engine)
    cut = Sequencer(ledger, signers(), publish=[lambda made, _: published.append(made.size)])
    with pytest.raises(OperationalError, match="lost"):
        cut.run_once(now)
    ledger.writer = whole
    placed = 400 if now is NOW else 200 + 1 + 200
    logs = (LOG,) if now is NOW else (LOG, "2027h1")
    assert (published, check_log(ledger, *logs)) == ([], placed)
    assert go_on(cut).run_once(now) is None
    record(ledger)
    assert go_on(cut).run_once(now) is not None
    assert check_log(ledger, *logs) == placed + 1


@pytest.mark.parametrize("after", [False, True], ids=["not published", "published"])
def test_a_publication_cut_off_takes_nothing_back(
    ledger: Ledger, go_on: Callable[[Sequencer], Sequencer], after: bool
) -> None:
    published: list[int] = []

    def publish(made: Checkpoint, _note: bytes) -> None:
        if after:
            published.append(made.size)
        raise LostError

    cut = Sequencer(ledger, signers(), publish=[publish])
    record(ledger, 300)
    with pytest.raises(LostError):
        cut.run_once(NOW)
    assert (published, check_log(ledger)) == ([300] if after else [], 300)
    record(ledger)
    go_on(Sequencer(ledger, signers())).run_once(NOW)
    assert check_log(ledger) == 301

"""`consent-vault keys rotate`: new keys in the place of old ones, while the service runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.operator import OPERATOR
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from service.runtime import Runtime

_GO_ON = "it is safe to run again: it goes on where it stopped"


@click.command()
@click.option("--person-keys", is_flag=True, help="Replace the keys of all people instead.")
@click.option("--finish", is_flag=True, help="Second step: destroy the old main key for good.")
@click.option(
    "--at-once", is_flag=True, help="With --finish: do not wait an hour; a key is stolen."
)
@data_option
def rotate(person_keys: bool, finish: bool, at_once: bool, data: Path | None) -> None:
    """Protect all keys by a new main key, in two steps, or give each person a new key.

    The first step makes a new main key (KEK) and wraps the keys of people and log under it. Take a
    backup then. The second one, --finish, destroys the old main key: every backup from before, and
    whoever is erased in it, can never be opened again.

    Safe while the service runs, to run again, and for two operators at once.
    """
    if finish and person_keys:
        raise click.UsageError("--finish is for the main key; people's keys need no second step")
    if at_once and not finish:
        raise click.UsageError("--at-once goes with --finish")
    with runtime_of(data) as runtime:
        if finish:
            _finish(runtime, at_once=at_once)
        elif person_keys:
            _reseal(runtime)
        else:
            _rewrap(runtime)


def _rewrap(runtime: "Runtime") -> None:
    from service.key_state import ring_of

    ring = ring_of(runtime)
    key_id = ring.begin(actor=OPERATOR, now=runtime.now())
    progress = ring.progress()
    with click.progressbar(length=progress.total, label="wrapping keys", file=sys.stderr) as bar:
        bar.update(progress.done)
        for after in ring.rewrap(actor=OPERATOR, clock=runtime.now):
            bar.length = after.total
            bar.update(after.done - progress.done)
            progress = after
    if progress.unreadable:
        raise Failure(
            f"{progress.unreadable} keys could not be wrapped anew.",
            why="they do not open: their rows were changed, or their key is gone",
            repair="restore these rows from a backup; the old main key stays until then",
        )
    click.echo(f"{progress.done} keys are wrapped under {key_id}")
    click.echo("take a backup, then: consent-vault keys rotate --finish")


def _reseal(runtime: "Runtime") -> None:
    from audit.scope import EVERYONE
    from audit.unit_of_work import begin
    from vault.resealing import begin_rotation, reseal_everyone, resealing

    ledger = runtime.ledger
    with begin(ledger, actor=OPERATOR, now=runtime.now(), about=EVERYONE) as uow:
        rotation = begin_rotation(uow)
        progress = resealing(uow.connection, rotation)
    with click.progressbar(
        length=progress.total, label="replacing people's keys", file=sys.stderr
    ) as bar:
        bar.update(progress.done)
        for after in reseal_everyone(
            ledger, runtime.vault, rotation, actor=OPERATOR, clock=runtime.now
        ):
            bar.length = after.total
            bar.update(after.done - progress.done)
            progress = after
    if progress.unreadable:
        raise Failure(
            f"The keys of {len(progress.unreadable)} people stay as they are.",
            why="something of theirs does not open: "
            + ", ".join(str(each) for each in progress.unreadable[:10]),
            repair="restore their rows from a backup, then run it again",
        )
    click.echo(f"{progress.done} people have a key from after {rotation.begun_at.isoformat()}")


def _finish(runtime: "Runtime", *, at_once: bool) -> None:
    from service.key_state import ring_of
    from vault.key_ring import DELAY, NothingToFinishError

    delay = timedelta(0) if at_once else DELAY
    try:
        with _told():
            gone = ring_of(runtime).finish(actor=OPERATOR, now=runtime.now(), delay=delay)
    except NothingToFinishError:
        click.echo("there is no older main key: nothing to do")
        return
    for key_id in gone:
        click.echo(f"{key_id} is destroyed: no backup from before this epoch opens any more")


@contextmanager
def _told() -> Iterator[None]:
    from audit.epochs import StillNeededError
    from vault.key_ring import NotBegunError, TooEarlyError

    try:
        yield
    except StillNeededError as error:
        raise Failure(
            "No key was destroyed.",
            why=f"{error.keys} keys are wrapped under {error.key_id} still",
            repair=f"consent-vault keys rotate ({_GO_ON})",
        ) from error
    except NotBegunError as error:
        raise Failure(
            "No key was destroyed.",
            why="the new main key has not been taken into use",
            repair="consent-vault keys rotate",
        ) from error
    except TooEarlyError as error:
        raise Failure(
            "No key was destroyed.",
            why="the new main key is too young: a backup must be taken first, and every process"
            " must have let go of the old one",
            repair=f"take a backup, and run it again after {error.ready_at:%Y-%m-%d %H:%M} UTC",
        ) from error

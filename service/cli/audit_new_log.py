"""`consent-vault audit new-log`: the way out when a restored database lacks entries for good."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of


@click.command("new-log")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@data_option
def new_log(yes: bool, data: Path | None) -> None:
    """Begin the log anew after a loss, so that everybody sees the gap.

    Only when the log refuses to be signed because entries are known outside that the database
    lacks, and no newer copy of the database is to be found. Stop the service first.
    """
    from audit.proofs import logs
    from audit.rollback import ForkedError, NothingLostError, begin_anew
    from service.cli.operator import OPERATOR

    with runtime_of(data) as runtime:
        watch = runtime.log_watch
        watch.prepare()
        with runtime.ledger.read() as connection:
            refusal = watch.refusal(connection)
            current = logs(connection)[-1:]
        if refusal is None:
            raise Failure(
                "No log was begun.",
                why="nobody outside knows more than this database: nothing is lost",
                repair="nothing to do",
            )
        click.echo(refusal)
        if not yes:
            click.echo(
                f"\nEntries after the end of {current[0] if current else 'the log'} are lost for"
                " good if you go on. To begin a new log: consent-vault audit new-log --yes"
            )
            return
        try:
            known = watch.guard.known_outside()
            log = begin_anew(runtime.ledger, known, actor=OPERATOR, now=runtime.now())
        except (NothingLostError, ForkedError) as error:
            raise Failure(
                "No log was begun.",
                why="two different trees of one size are known outside, both signed by this log",
                repair="keep everything as it is and call the auditor: this proves two histories",
            ) from error
        click.echo(f"\nThe log goes on as {runtime.log_signers.origin(log)}. Its keys, which every")
        click.echo("witness and reader has to follow by name:")
        for vkey in runtime.log_signers.vkeys(log):
            click.echo(vkey)

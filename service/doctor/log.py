"""The doctor's look at the log: tree, journal, time stamps, and what is known of it outside."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from audit.edge import Edge
from audit.late import waiting
from audit.merkle import leaf_hash
from audit.outside_journal import JournalError
from audit.proofs import entries_bundle, log_state, tile
from audit.tiles import entry_bundles_of, split_hashes, unpack_entries
from audit.timestamping import last_timestamp
from audit.timestamping import problem as timestamp_problem
from service.doctor.finding import Finding
from service.doctor.ledger import ledger_of
from service.journal import open_journal
from service.log_keys import LogKeys
from service.settings import Settings
from service.witnessing import open_watch
from vault.providers.file import KeyFolder

WAITING = timedelta(seconds=10)


def check_outside(engine: Engine, settings: Settings) -> Finding:
    """Nobody outside knows more of the log than the database: the copy, and each witness."""
    folder = KeyFolder.open_or_create(settings.data_folder)
    signers = LogKeys.of(folder).signers(settings.log_origin)
    with ledger_of(engine, settings) as ledger:
        watch = open_watch(settings, ledger, signers)
        watch.prepare()
        with ledger.read() as connection:
            refusal = watch.refusal(connection)
        watch.close()
    if refusal is not None:
        return Finding("log-outside", refusal, "docs/operator.md, Was a backup restored?")
    return Finding("log-outside", "nobody outside knows more of the log than the database")


def check_journal(engine: Engine, settings: Settings) -> Finding:
    """The journal of erasures is whole, and nothing waits to be written into it."""
    journal = open_journal(settings, KeyFolder.open_or_create(settings.data_folder))
    repair = "docs/operator.md, The journal of erasures"
    try:
        content = journal.read()
    except JournalError as error:
        return Finding("journal", str(error), repair)
    with engine.connect() as connection:
        late = waiting(connection)
    if content.faults:
        first = content.faults[0]
        told = f"{journal.path}, line {first.line}: {first.damage}; {len(content.faults)} faults"
        return Finding("journal", told, repair)
    if late:
        return Finding("journal", f"{late} entries wait to be written to {journal.path}", repair)
    return Finding("journal", f"{len(content.entries)} entries, all whole")


def check_timestamps(engine: Engine, settings: Settings) -> Finding:
    """Every authority has stamped the log when it was due."""
    with engine.connect() as connection:
        last = last_timestamp(connection)
        late = timestamp_problem(
            connection, tuple(settings.timestamp_authorities), datetime.now(UTC)
        )
    found = "none yet" if last is None else f"the last one by {last.tsa} at {last.at.isoformat()}"
    repair = "look for timestamp-failed in the service's log: it names the reason"
    return Finding("time-stamps", found, "" if late is None else repair)


def check_log(engine: Engine, settings: Settings) -> Finding:
    """The root, computed anew from every leaf, is the signed one, and nothing waits for long."""
    with ledger_of(engine, settings) as ledger, ledger.read() as connection:
        state = log_state(connection)
        same = _recomputed_root(connection, state.size) == state.root
    waited = timedelta(seconds=state.waiting_seconds(datetime.now(UTC)))
    if not same:
        repair = "stop, keep the database as it is, and tell the auditor: the log was changed"
        return Finding("log", "the leaves do not give the signed root", repair)
    if waited > WAITING:
        repair = "start the service: its sequencer places what waits"
        return Finding("log", f"an event has waited {waited.total_seconds():.0f} s", repair)
    return Finding("log", f"{state.size} entries under the signed root, {state.queued} wait")


def _recomputed_root(connection: Connection, size: int) -> bytes | None:
    """The root over every leaf as it stands in the database now; None for an empty log."""
    edge = Edge()
    for name in entry_bundles_of(size):
        bundle = entries_bundle(connection, name.index, name.width)
        if bundle is not None:
            edge.append(leaf_hash(entry) for entry in unpack_entries(bundle))
            continue
        hashes = tile(connection, 0, name.index, name.width)  # of entries that are archived
        if hashes is None:
            break
        edge.append(split_hashes(hashes))
    return edge.root() if size else None

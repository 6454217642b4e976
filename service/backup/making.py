"""A backup: recorded, copied at one moment, sealed, and read again before it counts.

The key of the file is random and wrapped by the installation's key provider, like every other. So
a backup opens as long as its key-encryption key is there and not longer: when that is destroyed
after a rotation, what was erased meanwhile is gone from the backups too, and so are they.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Self
from uuid import UUID

from audit.durable import private, private_file, sync_folder
from audit.model import Actor, Event, Kind
from audit.proofs import latest_checkpoint
from audit.unit_of_work import begin
from policies.ids import new_uuid
from service.backup.errors import BackupError, DamagedBackupError
from service.backup.postgresql import PostgresqlSnapshots
from service.backup.snapshot import Snapshots, SqliteSnapshots, private_folder
from service.migrations.upgrade import current
from service.runtime import Runtime
from vault.envelope import MisplacedError, SealError
from vault.keys import UnknownKeyError, wipe
from vault.sealed_file import read_header, read_sealed, write_sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHeader:
    """What stands in clear before the sealed copy."""

    backup: UUID
    made_at: datetime
    program: str
    revision: str
    checkpoint: str | None
    """The log's newest signed checkpoint at that time, as a note."""
    copy: dict[str, str]
    """Kind of database, its version and, on PostgreSQL, its schema."""
    wrapped_key: bytes

    def __bytes__(self) -> bytes:
        content = {
            "backup": str(self.backup),
            "made_at": self.made_at.isoformat(),
            "program": self.program,
            "revision": self.revision,
            "checkpoint": self.checkpoint,
            "copy": self.copy,
            "wrapped_key": base64.b64encode(self.wrapped_key).decode(),
        }
        return json.dumps(content, sort_keys=True).encode()

    @classmethod
    def parse(cls, header: bytes) -> Self:
        """Raises DamagedBackupError."""
        try:
            found = json.loads(header)
            return cls(
                backup=UUID(found["backup"]),
                made_at=datetime.fromisoformat(found["made_at"]),
                program=found["program"],
                revision=found["revision"],
                checkpoint=found["checkpoint"],
                copy=found["copy"],
                wrapped_key=base64.b64decode(found["wrapped_key"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedBackupError("its header cannot be read") from error


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was read again after it was written."""

    backup: UUID
    size: int
    digest: str
    """SHA-256 of the file, in lower-case hexadecimal."""


def snapshots_of(runtime: Runtime, programs: Path | None = None) -> Snapshots:
    """How the installation's database is copied."""
    engine = runtime.ledger.engine
    if engine.dialect.name == "sqlite":
        return SqliteSnapshots(engine)
    return PostgresqlSnapshots(engine, programs)


def make_backup(runtime: Runtime, path: Path, snapshots: Snapshots, *, actor: Actor) -> Made:
    """Write a backup to the path, whatever stood there before, and read it again.

    Raises BackupError or OSError; then what stood there stands there still.
    """
    backup = new_uuid()
    with begin(runtime.ledger, actor=actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.BACKUP_BEGUN, reference=str(backup)))
    with private_file(path) as written:
        _write(runtime, written, backup, snapshots)
        written.flush()
        check_backup(runtime, Path(written.name), snapshots)
        digest, size = _digest(Path(written.name))
        with begin(runtime.ledger, actor=actor, now=runtime.now()) as uow:
            uow.record(Event(kind=Kind.BACKUP_MADE, reference=str(backup), digest=digest))
    sync_folder(path.parent)
    return Made(backup, size, digest)


def _write(runtime: Runtime, file: BinaryIO, backup: UUID, snapshots: Snapshots) -> None:
    with runtime.ledger.read() as connection:
        note = latest_checkpoint(connection)
        revision = current(connection)
    key, wrapped = runtime.vault.new_file_key()
    header = BackupHeader(
        backup=backup,
        made_at=runtime.now(),
        program=version("consent-vault"),
        revision=str(revision),
        checkpoint=None if note is None else note.decode(),
        copy=snapshots.describe(),
        wrapped_key=wrapped,
    )
    try:
        write_sealed(file, bytes(header), key, snapshots.take())
    finally:
        wipe(key)


def check_backup(runtime: Runtime, path: Path, snapshots: Snapshots) -> BackupHeader:
    """Open the file and look whether its copy can be restored. Raises BackupError."""
    # On our side: in clear, the copy is as secret as the database.
    with private_folder(runtime.settings.data_folder) as folder:
        header = open_backup(runtime, path, folder / "copy")
        snapshots.check(folder / "copy")
    return header


def open_backup(runtime: Runtime, path: Path, copy: Path) -> BackupHeader:
    """Write the unsealed copy beside; gives the header, which is proven then.

    Raises BackupError.
    """
    try:
        with path.open("rb") as file, open(copy, "xb", opener=private) as plain:
            raw = read_header(file)
            header = BackupHeader.parse(raw)
            with runtime.vault.file_key(header.wrapped_key) as key:
                plain.writelines(read_sealed(file, raw, key))
    except UnknownKeyError as error:
        raise BackupError(
            f"it was sealed under {error.key_id}, which is not among the keys any more",
            "a backup ends with its key; restore one that was made after the last rotation",
        ) from error
    except MisplacedError as error:
        raise BackupError(
            "it is of another installation, or its beginning was changed",
            "give the backup of this installation, with the key folder that it was made with",
        ) from error
    except SealError as error:
        raise DamagedBackupError("it is not a whole backup of consent-vault") from error
    return header


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size

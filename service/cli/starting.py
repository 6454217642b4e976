"""What every start checks first, and how its failures read at the terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from audit.key_errors import KeyProviderError
from audit.not_written import EventNotWrittenError
from audit.outside_journal import JournalError
from policies.data_files import CatalogueError
from policies.rule_form import PolicySetError
from service.cli.disk import disk_failure
from service.cli.failure import Failure
from service.logs import set_up_logs
from service.package_names import ForeignPackageError, check_package_names
from service.settings import SettingsError
from vault.envelope import SealError
from vault.providers.file import KeyFileError, KeyPermissionsError
from vault.replay import UnknownDatasetError

_TALKATIVE = ("httpx2", "httpcore2", "uvicorn.error", "alembic")
"""Libraries that tell of every request, start and stop at level INFO."""


def check_start() -> None:
    """Set up the logs, and refuse to run beside foreign packages of our names. Raises Failure."""
    set_up_logs()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        check_package_names()
    except ForeignPackageError as error:
        raise Failure(
            f"The package {error.package} is not ours alone.",
            why=error.found,
            repair="install consent-vault into an environment of its own (uv tool or pipx)",
        ) from error


@contextmanager
def told() -> Iterator[None]:
    """Turn what can be wrong with settings, keys, files and database into a Failure."""
    try:
        yield
    except SettingsError as error:
        raise Failure(
            f"The setting {error.variable} cannot be used.",
            why=error.reason,
            repair="correct it in the environment (docs/operator.md lists all settings),"
            " or name the folder of a demo with --data",
        ) from error
    except KeyPermissionsError as error:
        raise Failure(
            "The keys are not safe where they are.",
            why=f"{error.path} is open to other users of this machine",
            repair=error.repair,
        ) from error
    except KeyFileError as error:
        raise Failure(
            f"The key file {error.path} cannot be used.",
            why=error.reason,
            repair="restore it from your backup; nothing opens without it",
        ) from error
    except KeyProviderError as error:
        raise Failure("The keys cannot be used.", why=error.reason, repair=error.repair) from error
    except (CatalogueError, PolicySetError) as error:
        raise Failure("The rules cannot be used.", why=str(error), repair="correct it") from error
    except OSError as error:
        raise disk_failure(error) or Failure(
            f"{error.filename or 'A file'} cannot be used.",
            why=error.strerror or type(error).__name__,
            repair="run the command as the user of the service, and look at who owns the place",
        ) from error
    except (DBAPIError, EventNotWrittenError) as error:
        raise disk_failure(error) or _database_failure(error) from error


@contextmanager
def replay_told(what: str) -> Iterator[None]:
    """Turn what can be wrong where the journal of erasures is gone through into a Failure."""
    try:
        yield
    except JournalError as error:
        raise Failure(
            what,
            why=f"the journal of erasures cannot be read: {error}",
            repair="bring the file back, or repair its place; without it nobody can tell whether an"
            " older copy of the database stands here",
        ) from error
    except UnknownDatasetError as error:
        raise Failure(
            what,
            why="the journal tells that a data set was erased which the catalogue does not have",
            repair="bring the file of that data set back into the catalogue",
        ) from error
    except SealError as error:
        raise Failure(
            what,
            why="something of a person, of whom the journal tells, does not open with the keys of"
            f" this installation ({type(error).__name__})",
            repair="restore the key folder that belongs to the database, or another backup",
        ) from error


def _database_failure(error: DBAPIError | EventNotWrittenError) -> Failure:
    """Says the class only: what the driver says may quote parameters."""
    refused = error.orig if isinstance(error, DBAPIError) else error.__cause__
    return Failure(
        "The database does not answer as it should.",
        why=type(refused).__name__ if refused else "no connection",
        repair="check that it runs and that the address in CONSENT_VAULT_DATABASE_URL is right",
    )

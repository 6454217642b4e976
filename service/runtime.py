"""The one place that wires: settings and a clock in, everything that serves requests out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.note import NoteSigner
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from connectors.ports import IdentityProvider
from policies.catalogue import Catalogue
from service.settings import Settings
from vault.vault import Vault

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock, the only one outside the tests."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a running service holds. Reached by handlers as `request.app.state.runtime`."""

    settings: Settings
    ledger: Ledger
    catalogue: Catalogue
    vault: Vault
    sequencer: Sequencer
    log_signer: NoteSigner
    identity_provider: IdentityProvider | None
    now: Clock

    def start(self) -> None:
        """Start what works in the background; called by the app's lifespan."""
        self.sequencer.start(self.now)

    def close(self) -> None:
        """Stop the background and let go of the database."""
        self.sequencer.stop()
        self.ledger.engine.dispose()


def open_runtime(settings: Settings, *, clock: Clock = utc_now) -> Runtime:
    """Open keys, database and catalogue. The database must have its tables already."""
    raise NotImplementedError

"""The one place that wires: settings and a clock in, everything that serves requests out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from audit.database import open_engine
from audit.health import LogChecker
from audit.log_signers import LogSigners
from audit.promise import PromiseSigner
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from connectors.ports import IdentityProvider
from consent.receipts import ReceiptSigner, issue_due
from policies.catalogue import Catalogue, load_catalogue
from policies.cedar_port import CedarPort
from policies.decision_point import DecisionPoint
from policies.limits import request_limits
from policies.policy_set import load_policy_set
from service.completeness import CompletenessJob
from service.identity import identity_provider
from service.jobs import ExpiryJob, Job, Lead, LogCheckJob
from service.journal import JournalJob, open_journal
from service.jwk import p256_jwk, thumbprint
from service.key_jobs import FreshKeysJob, KeyRotationJob
from service.key_provider import INSTALLATION, open_provider
from service.log_keys import LogKeys
from service.log_retention import LogRetentionJob
from service.pseudonyms import Pseudonyms
from service.retention import RetentionJob
from service.settings import Sequencing, Settings
from service.sweeping import SweepingJob
from service.telling import TellingJob
from service.timestamping import TimestampJob, open_timestamping
from service.witnessing import LogWatch, WitnessJob, open_watch
from vault.keys import KeyProvider
from vault.providers.file import KeyFolder
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
    key_provider: KeyProvider
    sequencer: Sequencer
    expiry: ExpiryJob
    journal_job: JournalJob
    retention: RetentionJob
    sweeping: SweepingJob
    log_retention: LogRetentionJob
    fresh_keys: FreshKeysJob
    key_rotation: KeyRotationJob
    checker: LogChecker
    log_check: LogCheckJob
    completeness: CompletenessJob
    telling: TellingJob
    log_signers: LogSigners
    promises: PromiseSigner
    log_watch: LogWatch
    witness_job: WitnessJob
    timestamp_job: TimestampJob
    receipt_signer: ReceiptSigner
    identity_provider: IdentityProvider | None
    nonce_key: bytes = field(repr=False)
    """Makes the nonces of DPoP proofs; the same for every worker."""
    pseudonyms: Pseudonyms
    """What auditors see in the place of people."""
    now: Clock
    lead: Lead
    """Whether this process does the jobs that one process does for all."""

    @property
    def sequenced(self) -> bool:
        """Whether the sequencer runs here, or elsewhere by the settings; the log's state tells
        whether it keeps up."""
        return self.sequencer.running or self.settings.sequencer is Sequencing.EXTERNAL

    def start(self) -> None:
        """Start what works in the background; called by the app's lifespan."""
        if self.settings.sequencer is Sequencing.IN_PROCESS:
            self.start_sequencing()
        self.expiry.start(self.now, self.lead)
        self.journal_job.start(self.now, self.lead)
        self.retention.start(self.now, self.lead)
        self.sweeping.start(self.now, self.lead)
        self.log_retention.start(self.now, self.lead)
        self.log_check.start(self.now, self.lead)
        self.completeness.start(self.now, self.lead)
        self.telling.start(self.now, self.lead)
        self.key_rotation.start(self.now, self.lead)
        self.fresh_keys.start(self.now)  # every process holds keys of its own

    def start_sequencing(self) -> None:
        """Place events, sign the log and bring it to its witnesses and to who stamps it."""
        self.sequencer.start(self.now)
        self.witness_job.start(self.now)
        if self.timestamp_job.asks:
            self.timestamp_job.start(self.now)

    def stop_sequencing(self) -> None:
        """Let the batch in hand end, then stop."""
        self.timestamp_job.stop()
        self.witness_job.stop()
        self.sequencer.stop()

    def close(self) -> None:
        """Stop the background and let go of the database.

        All are told before any is waited for, so that the pieces in hand end beside each other.
        """
        jobs: tuple[Job, ...] = (
            self.fresh_keys,
            self.key_rotation,
            self.telling,
            self.completeness,
            self.log_check,
            self.log_retention,
            self.sweeping,
            self.retention,
            self.journal_job,
            self.expiry,
        )
        for each in (*jobs, self.timestamp_job, self.witness_job):
            each.end_soon()
        self.sequencer.end_soon()
        for each in jobs:
            each.stop()
        self.lead.give_up()
        self.stop_sequencing()
        self.log_watch.close()
        self.ledger.engine.dispose()
        self.key_provider.close()


def open_runtime(settings: Settings, *, clock: Clock = utc_now) -> Runtime:
    """Open keys, database and catalogue. The database must have its tables already.

    Raises KeyPermissionsError, KeyFileError, KeyProviderError, CatalogueError, PolicySetError and
    the errors of the settings.
    """
    keys = KeyFolder.open_or_create(settings.data_folder)
    catalogue = load_catalogue()
    request_limits()  # a fault in them stops the start, not the first request
    provider = open_provider(settings)
    signer = _receipt_signer(settings, keys)
    ledger = _ledger(settings, provider, keys, catalogue, signer)
    vault = _vault(provider, keys, catalogue)
    log_signers = LogKeys.of(keys).signers(settings.log_origin)
    watch = open_watch(settings, ledger, log_signers)
    sequencer = Sequencer(ledger, log_signers, publish=[watch.guard.publish], guard=watch.guard)
    return Runtime(
        settings=settings,
        ledger=ledger,
        catalogue=catalogue,
        key_provider=provider,
        vault=vault,
        sequencer=sequencer,
        expiry=ExpiryJob(ledger),
        journal_job=JournalJob(ledger),
        retention=RetentionJob(ledger, vault),
        sweeping=SweepingJob(ledger),
        log_retention=LogRetentionJob(ledger, settings.log_retention_years),
        fresh_keys=FreshKeysJob(provider),
        key_rotation=KeyRotationJob(ledger, provider, vault),
        checker=(checker := LogChecker(ledger, log_signers)),
        log_check=LogCheckJob(checker),
        completeness=CompletenessJob(ledger),
        telling=TellingJob(ledger, catalogue),
        log_signers=log_signers,
        promises=PromiseSigner(log_signers.base_signers),
        log_watch=watch,
        witness_job=WitnessJob(watch, sequencer),
        timestamp_job=open_timestamping(settings, ledger, sequencer),
        receipt_signer=signer,
        identity_provider=identity_provider(settings),
        nonce_key=keys.secret("dpop-nonce"),
        pseudonyms=Pseudonyms(keys.secret("auditor-pseudonyms")),
        now=clock,
        lead=Lead(ledger.engine),
    )


def _vault(provider: KeyProvider, keys: KeyFolder, catalogue: Catalogue) -> Vault:
    return Vault(
        provider=provider,
        index_key=keys.secret("identifier-index"),
        # Random and kept with the keys: an address may change, sealed records may not.
        installation=keys.secret(INSTALLATION).hex(),
        catalogue=catalogue,
    )


def _ledger(
    settings: Settings,
    provider: KeyProvider,
    keys: KeyFolder,
    catalogue: Catalogue,
    signer: ReceiptSigner,
) -> Ledger:
    return Ledger(
        open_engine(settings.database_url, pooled=settings.pooled),
        provider,
        rules=catalogue.digest,
        decisions=DecisionPoint(CedarPort(load_policy_set()), catalogue),
        journal=open_journal(settings, keys),
        closing=[partial(issue_due, signer=signer)],
    )


def _receipt_signer(settings: Settings, keys: KeyFolder) -> ReceiptSigner:
    key = keys.private_key("receipts", "p256")
    return ReceiptSigner(settings.base_url, key, thumbprint(p256_jwk(key.public_key())))

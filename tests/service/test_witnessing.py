"""The service, its log and our own witness program together, over HTTP requests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from audit.cosignature import Ed25519Cosigner
from audit.log_family import FollowedLogs
from audit.model import SYSTEM, Event, Kind
from audit.proofs import latest_checkpoint
from audit.rollback import RestoredBackupError, RollbackGuard
from audit.sequencer import Sequencer
from audit.trust_policy import parse_policy
from audit.unit_of_work import Ledger, begin
from audit.witness import Cosigned
from audit.witnessing import Witnessing
from connectors.witness_client import WitnessClient
from service.log_keys import LogKeys
from service.settings import PREFIX, Settings, SettingsError, load_settings
from service.witness.app import Witness, create_witness_app
from service.witness.store import WitnessState
from service.witnessing import LogWatch, WitnessJob, clients, open_watch
from tests.service.house import NOW, Clock
from vault.providers.file import KeyFolder

BASE = "vault.example.fi/audit"


def cosigner(seed: int) -> Ed25519Cosigner:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return Ed25519Cosigner(f"w{seed}.example", key)


def settings_of(tmp_path: Path, **given: object) -> Settings:
    return Settings(
        base_url="https://vault.example.fi",
        database_url="sqlite:///unused.db",
        data_folder=tmp_path / "keys",
        **given,  # type: ignore[arg-type]  # pydantic checks them
    )


@dataclass
class World:
    """A log and one witness of it."""

    ledger: Ledger
    watch: LogWatch
    sequencer: Sequencer
    job: WitnessJob
    state: WitnessState
    clock: Clock

    def restart(self) -> None:
        """As after a new start of the service: nobody has been asked yet."""
        verifiers = self.watch.guard._verifiers
        witnessing = self.watch.witnessing
        guard = RollbackGuard(self.watch.guard._copy, verifiers, witnessing.seen_by_witnesses)
        witnessing.tell(guard.found)
        self.watch = replace(self.watch, guard=guard)
        signers = self.sequencer._signer
        self.sequencer = Sequencer(self.ledger, signers, publish=[guard.publish], guard=guard)
        self.job = WitnessJob(self.watch, self.sequencer)

    def grow(self, count: int = 1) -> bytes:
        with begin(self.ledger, actor=SYSTEM, now=self.clock()) as uow:
            for _ in range(count):
                uow.record(Event(kind=Kind.LOG_SEARCHED))
        self.sequencer.run_once(self.clock())
        with self.ledger.read() as connection:
            note = latest_checkpoint(connection)
        assert note is not None
        return note


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> Iterator[World]:
    clock = Clock(NOW)
    signers = LogKeys.of(KeyFolder.open_or_create(tmp_path / "keys")).signers(BASE)
    state = WitnessState.open_or_create(tmp_path / "witness.db")
    followed = FollowedLogs(signer.verifier for signer in signers.base_signers)
    app = TestClient(create_witness_app(Witness(followed, [cosigner(1)], state, clock)))
    policy = f"witness W {cosigner(1).vkey} https://w1.example\nquorum W\n"
    client = WitnessClient(
        "W", "https://w1.example", [cosigner(1).verifier], transport=app._transport
    )
    opened = open_watch(settings_of(tmp_path), ledger, signers)
    witnessing = Witnessing(ledger, signers, [client])
    guard = RollbackGuard(opened.guard._copy, signers.verifiers, witnessing.seen_by_witnesses)
    witnessing.tell(guard.found)
    watch = LogWatch(ledger, guard, witnessing, parse_policy(policy.encode()))
    sequencer = Sequencer(ledger, signers, publish=[guard.publish], guard=guard)
    yield World(ledger, watch, sequencer, WitnessJob(watch, sequencer), state, clock)
    sequencer.stop()
    state.close()
    client.close()


def test_what_is_signed_is_cosigned_by_our_own_witness_and_the_policy_is_satisfied(
    world: World,
) -> None:
    world.grow(3)
    for count in (1, 300, 2):
        assert world.watch.witnessing.run_once(world.clock()) == 1
        world.clock.advance(minutes=1)
        world.grow(count)
    world.watch.witnessing.run_once(world.clock())
    with world.ledger.read() as connection:
        cosigned = world.watch.cosigned(connection)
        assert world.watch.alarms(connection, world.clock()) == ()
        note = latest_checkpoint(connection)
    assert cosigned is not None
    assert (cosigned.size, cosigned.cosigned) == (306, 306)
    assert world.watch.policy is not None
    assert world.watch.policy.judge(note or b"").quorum
    assert [each.problem for each in world.watch.witnesses()] == [None]


def test_the_job_asks_only_where_the_sequencer_works(world: World) -> None:
    world.grow()
    assert world.job.run_once(world.clock()) == 0
    world.sequencer.start(world.clock)
    while not world.sequencer.works:
        pass
    assert world.job.run_once(world.clock()) == 1


def test_a_restored_backup_is_told_by_the_witness_at_the_start_and_asks_nobody_further(
    world: World, tmp_path: Path
) -> None:
    """The witness has seen a longer history of the same log; ours is another database."""
    world.grow(3)
    world.watch.witnessing.run_once(world.clock())
    signers = LogKeys.of(KeyFolder.open_or_create(tmp_path / "keys")).signers(BASE)
    kept = world.state.known(signers.origin("2026h2"))
    assert kept is not None
    longer = signers.sign("2026h2", f"{signers.origin('2026h2')}\n9\n{'A' * 43}=\n", world.clock())
    world.state.replace(kept.checkpoint.origin, world.clock(), lambda _: Cosigned(longer, b""))
    world.restart()
    world.sequencer.start(world.clock)
    while not world.sequencer.works:
        pass
    assert world.job.run_once(world.clock()) == 0
    with world.ledger.read() as connection:
        assert "witness W has the checkpoint of size 9" in str(world.watch.refusal(connection))
        assert world.watch.alarms(connection, world.clock())[:1] == ("log-refused",)
    world.sequencer.stop()
    with pytest.raises(RestoredBackupError):
        world.grow()


def test_a_quorum_that_stays_away_is_an_alarm(world: World) -> None:
    world.grow()
    with world.ledger.read() as connection:
        assert world.watch.alarms(connection, world.clock()) == ("quorum-never-reached",)
    world.watch.witnessing.run_once(world.clock())
    world.clock.advance(hours=3)
    with world.ledger.read() as connection:
        assert world.watch.alarms(connection, world.clock()) == ("cosignatures-stale",)


def test_without_a_policy_nobody_is_asked_and_the_copy_is_kept_with_the_keys(
    ledger: Ledger, tmp_path: Path
) -> None:
    keys = KeyFolder.open_or_create(tmp_path / "keys")
    signers = LogKeys.of(keys).signers(BASE)
    watch = open_watch(settings_of(tmp_path), ledger, signers)
    sequencer = Sequencer(ledger, signers, publish=[watch.guard.publish], guard=watch.guard)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.LOG_SEARCHED))
    sequencer.run_once(NOW)
    assert (keys.path / "log-checkpoint").read_bytes().startswith(BASE.encode())
    with ledger.read() as connection:
        assert watch.cosigned(connection) is None
        assert watch.alarms(connection, NOW + timedelta(days=9)) == ()
    assert watch.witnesses() == []


def test_the_copy_may_stand_on_another_volume(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    signers = LogKeys.of(KeyFolder.open_or_create(tmp_path / "keys")).signers(BASE)
    copy = tmp_path / "other" / "copy"
    watch = open_watch(settings_of(tmp_path, log_copy=copy), ledger, signers)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.LOG_SEARCHED))
    Sequencer(ledger, signers, publish=[watch.guard.publish], guard=watch.guard).run_once(NOW)
    assert copy.exists()


def test_two_keys_of_one_witness_are_asked_for_in_one_call() -> None:
    one, two, three = cosigner(1).vkey, cosigner(2).vkey, cosigner(3).vkey
    policy = parse_policy(
        f"witness A {one} https://w.example\nwitness B {two} https://v.example\n"
        f"witness C {three} https://w.example\nwitness D {cosigner(4).vkey}\nquorum A\n".encode()
    )
    made = list(clients(policy))
    assert [(each.name, len(each.verifiers)) for each in made] == [("B", 1), ("A+C", 2)]
    for each in made:
        each.close()


NOT_ENCRYPTED = f"witness W {cosigner(1).vkey} http://w.example\nquorum W\n"


def test_a_copy_in_a_folder_that_is_not_there_is_a_fault_of_its_setting(tmp_path: Path) -> None:
    given = {"base_url": "https://vault.example.fi", "database_url": "sqlite:///x.db"}
    with pytest.raises(SettingsError, match="its folder is not there") as refused:
        load_settings({}, **given, data_folder=tmp_path, log_copy=tmp_path / "no" / "copy")
    assert refused.value.variable == f"{PREFIX}LOG_COPY"


WRONG = {
    "no such file": None,
    "no policy": b"quorum W\n",
    "an address that is not encrypted": NOT_ENCRYPTED,
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_policy_that_cannot_be_used_is_a_fault_of_its_setting(
    tmp_path: Path, content: bytes | str | None
) -> None:
    path = tmp_path / "policy"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    given = {"base_url": "https://vault.example.fi", "database_url": "sqlite:///x.db"}
    with pytest.raises(SettingsError) as refused:
        load_settings({}, **given, data_folder=tmp_path, log_policy=path)
    assert refused.value.variable == f"{PREFIX}LOG_POLICY"

"""The service and a time-stamping authority together: asked on time, and what does not hold is
told and not kept."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audit.model import SYSTEM, Event, Kind
from audit.timestamp import Request, verify_token
from audit.timestamping import GRACE, GROWN, Stamped, last_timestamp, token
from audit.unit_of_work import begin
from connectors.demo_tsa.authority import POLICY, DemoTimestampAuthority, root_certificate
from connectors.ports import TimestampingError
from policies.vocabulary import Role
from service.doctor.log import check_timestamps
from service.settings import PREFIX, Settings, SettingsError, load_settings
from service.timestamping import PATIENCE, Asked, TimestampJob, open_timestamping
from tests.authority import new_key
from tests.service.house import NOW, Clock, House

LOG = "2026h2"
GIVEN = {
    "base_url": "https://vault.example.fi",
    "database_url": "sqlite:///unused.db",
    "data_folder": Path("keys"),
}
ROOT_KEY = new_key()
ROOT = root_certificate(ROOT_KEY, NOW)
AUTHORITY = DemoTimestampAuthority.under(ROOT_KEY, new_key(), NOW)


@dataclass
class Answering:
    """The authority of the demo, without HTTP; can be made to fail, to be late and to lie."""

    clock: Callable[[], datetime]
    name: str = "time"
    failure: TimestampingError | None = None
    change: Callable[[bytes], bytes] = lambda answer: answer
    asked: list[bytes] = field(default_factory=list)

    def answer(self, request: bytes) -> bytes:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure
        return self.change(AUTHORITY.answer(request, self.clock()))


@dataclass
class World:
    """A log, and one authority that stamps it."""

    house: House
    authority: Answering
    job: TimestampJob

    @property
    def clock(self) -> Clock:
        return self.house.clock

    def grow(self) -> None:
        ledger = self.house.runtime.ledger
        with begin(ledger, actor=SYSTEM, now=self.clock()) as uow:
            uow.record(Event(kind=Kind.LOG_SEARCHED))
        self.house.runtime.sequencer.run_once(self.clock())

    def run(self) -> int:
        return self.job.run_once(self.clock())

    def last(self) -> Stamped | None:
        with self.house.runtime.ledger.read() as connection:
            return last_timestamp(connection)

    def problem(self) -> str | None:
        with self.house.runtime.ledger.read() as connection:
            return self.job.problem(connection, self.clock())


def job_of(
    house: House, *authorities: Answering, root: x509.Certificate = ROOT, signs: bool = True
) -> TimestampJob:
    asked = [Asked(each) for each in authorities]
    return TimestampJob(house.runtime.ledger, asked, [root], signs=lambda: signs)


@pytest.fixture
def world(house: House) -> World:
    authority = Answering(house.clock)
    made = World(house, authority, job_of(house, authority))
    made.grow()
    return made


def told(events: list[structlog.typing.EventDict]) -> list[tuple[str, str]]:
    found = [each for each in events if each["event"] == "timestamp-failed"]
    return [(each["authority"], each["reason"]) for each in found]


def test_the_exact_note_is_stamped_once_an_hour_and_the_answer_kept_as_it_came(
    world: World,
) -> None:
    assert world.run() == 1
    assert world.run() == 0
    last = world.last()
    assert last is not None
    assert (last.log, last.tsa, last.at) == (LOG, "time", NOW)
    visitor = world.house.visitor()
    place = f"/audit/logs/{LOG}/timestamps/{last.size}"
    note, answer = visitor.get(place).content, visitor.get(f"{place}/time").content
    assert verify_token(answer, note, [ROOT]).at == NOW
    world.grow()
    world.clock.advance(seconds=GROWN.total_seconds())
    assert world.run() == 1
    assert len(world.authority.asked) == 2


def test_each_request_has_a_nonce_of_its_own(world: World) -> None:
    world.run()
    world.clock.advance(days=1)
    world.run()
    assert len(set(world.authority.asked)) == 2


def test_a_process_that_does_not_sign_asks_nobody(world: World) -> None:
    standby = job_of(world.house, world.authority, signs=False)
    assert standby.run_once(NOW) == 0
    assert world.authority.asked == []


class TestFailures:
    def test_an_authority_that_does_not_answer_is_told_and_asked_again_later(
        self, world: World
    ) -> None:
        world.authority.failure = TimestampingError("it does not answer: ConnectError")
        with structlog.testing.capture_logs() as events:
            assert world.run() == 0
            assert world.run() == 0
        assert told(events) == [("time", "it does not answer: ConnectError")]
        assert len(world.authority.asked) == 1
        world.authority.failure = None
        world.clock.advance(seconds=PATIENCE.total_seconds() + 1)
        assert world.run() == 1

    def test_another_authority_is_asked_all_the_same(self, world: World) -> None:
        other = Answering(world.clock, "other")
        world.authority.failure = TimestampingError("it answered with status 500")
        job = job_of(world.house, world.authority, other)
        assert job.run_once(world.clock()) == 1
        last = world.last()
        assert last is not None
        assert last.tsa == "other"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda _: AUTHORITY.answer(bytes(Request(b"x", 1)), NOW), "something else"),
            (lambda answer: answer[:-1] + bytes([answer[-1] ^ 1]), "not signed"),
            (lambda _: AUTHORITY.answer(b"", NOW), "not granted"),
            (lambda _: b"<html>", "no token"),
        ],
        ids=["another-hash", "changed", "refused", "a-page"],
    )
    def test_an_answer_that_does_not_hold_is_told_and_not_kept(
        self, world: World, change: Callable[[bytes], bytes], reason: str
    ) -> None:
        world.authority.change = change
        with structlog.testing.capture_logs() as events:
            assert world.run() == 0
        ((_, words),) = told(events)
        assert reason in words
        assert world.last() is None

    def test_an_answer_to_an_earlier_request_is_not_kept(self, world: World) -> None:
        world.run()
        (request,) = world.authority.asked
        old = AUTHORITY.answer(request, world.clock())
        world.authority.change = lambda _: old
        world.clock.advance(days=1)
        with structlog.testing.capture_logs() as events:
            assert world.run() == 0
        assert "nonce" in told(events)[0][1]

    def test_an_answer_under_another_root_is_not_kept(self, world: World) -> None:
        job = job_of(world.house, world.authority, root=root_certificate(new_key(), NOW))
        with structlog.testing.capture_logs() as events:
            assert job.run_once(NOW) == 0
        assert len(told(events)) == 1
        assert world.last() is None

    def test_an_authority_whose_clock_is_wrong_is_not_believed(self, world: World) -> None:
        world.authority.clock = lambda: NOW + timedelta(minutes=5)
        with structlog.testing.capture_logs() as events:
            assert world.run() == 0
        assert "clock" in told(events)[0][1]

    def test_events_go_on_getting_their_places(self, world: World) -> None:
        world.authority.failure = TimestampingError("it does not answer: ReadTimeout")
        world.run()
        world.grow()
        with world.house.runtime.ledger.read() as connection:
            assert token(connection, LOG, 1, "time") is None
        assert world.house.visitor().get("/readyz").json()["checks"]["log"]

    def test_an_hour_without_a_stamp_is_an_alarm(self, world: World) -> None:
        assert world.problem() is None
        world.clock.advance(seconds=GRACE.total_seconds() + 1)
        assert world.problem() == "timestamp-late"
        world.run()
        assert world.problem() is None


class TestWhatTheOperatorSees:
    """On the page, in the numbers and from the doctor."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.house.app.state.runtime = replace(world.house.runtime, timestamp_job=world.job)
        return world

    def seen(self, world: World) -> tuple[str, str]:
        browser = world.house.signed_in(role=Role.OPERATOR)
        return browser.get("/en/operator").text, browser.get("/metrics").text

    def test_the_last_stamp(self, world: World) -> None:
        assert "None yet" in self.seen(world)[0]
        world.run()
        page, numbers = self.seen(world)
        assert ", time" in page.partition("Last time stamp from outside")[2]
        assert "consent_vault_log_timestamps_late 0" in numbers

    def test_that_one_is_late(self, world: World) -> None:
        world.clock.advance(seconds=GRACE.total_seconds() + 1)
        page, numbers = self.seen(world)
        assert "Does not work" in page.partition("Last time stamp from outside")[2]
        assert "consent_vault_log_timestamps_late 1" in numbers

    def test_nothing_where_nobody_is_asked(self, house: House) -> None:
        browser = house.signed_in(role=Role.OPERATOR)
        assert "Last time stamp" not in browser.get("/en/operator").text
        assert "timestamps_late" not in browser.get("/metrics").text

    def test_the_doctor_tells_the_last_one_and_where_to_look_when_it_is_late(
        self, house: House
    ) -> None:
        settings = house.runtime.settings.model_copy(
            update={"timestamp_authorities": {"time": "https://time.example/"}}
        )
        engine, now = house.runtime.ledger.engine, datetime.now(UTC)
        assert check_timestamps(engine, settings).found == "none yet"
        with begin(house.runtime.ledger, actor=SYSTEM, now=now) as uow:
            uow.record(Event(kind=Kind.LOG_SEARCHED))
        house.runtime.sequencer.run_once(now - timedelta(hours=3))
        late = check_timestamps(engine, settings)
        assert (late.ok, "timestamp-failed" in late.repair) == (False, True)
        job_of(house, Answering(lambda: now)).run_once(now)
        good = check_timestamps(engine, settings)
        assert good.ok
        assert good.found.startswith("the last one by time at ")


class TestSettings:
    @pytest.fixture
    def roots(self, tmp_path: Path) -> Path:
        file = tmp_path / "roots.pem"
        file.write_bytes(ROOT.public_bytes(Encoding.PEM))
        return file

    def settings(self, **given: object) -> Settings:
        return load_settings({}, **GIVEN | given)

    def test_without_an_authority_nobody_is_asked(self, house: House) -> None:
        assert not house.runtime.timestamp_job.asks
        with house.runtime.ledger.read() as connection:
            assert house.runtime.timestamp_job.problem(connection, NOW) is None

    def test_authorities_come_with_their_roots_and_policies(
        self, house: House, roots: Path
    ) -> None:
        settings = self.settings(
            timestamp_authorities={"b": "http://time.example/tsr", "a": "https://tsa.example/"},
            timestamp_roots=roots,
            timestamp_policies={"b": POLICY},
        )
        job = open_timestamping(settings, house.runtime.ledger, house.runtime.sequencer)
        assert job.asks
        assert [(each.name, each.policy) for each in job._authorities] == [
            ("a", None),
            ("b", POLICY),
        ]
        assert job._roots == (ROOT,)

    @pytest.mark.parametrize(
        ("variable", "given"),
        [
            ("TIMESTAMP_ROOTS", {"timestamp_roots": None}),
            ("TIMESTAMP_ROOTS", {"timestamp_roots": Path("missing.pem")}),
            ("TIMESTAMP_ROOTS", {"timestamp_roots": Path(__file__)}),
            ("TIMESTAMP_AUTHORITIES", {"timestamp_authorities": {"A": "https://a.example/"}}),
            ("TIMESTAMP_AUTHORITIES", {"timestamp_authorities": {"a/b": "https://a.example/"}}),
            ("TIMESTAMP_AUTHORITIES", {"timestamp_authorities": {"": "https://a.example/"}}),
            ("TIMESTAMP_AUTHORITIES", {"timestamp_authorities": {"a": "ftp://a.example/"}}),
            (
                "TIMESTAMP_AUTHORITIES",
                {"timestamp_authorities": {f"a{n}": "https://a.example/" for n in range(6)}},
            ),
            ("TIMESTAMP_POLICIES", {"timestamp_policies": {"other": POLICY}}),
            ("TIMESTAMP_POLICIES", {"timestamp_policies": {"time": "1.2.x"}}),
        ],
    )
    def test_what_cannot_be_used_is_named_at_the_start(
        self, roots: Path, variable: str, given: dict[str, object]
    ) -> None:
        good = {
            "timestamp_authorities": {"time": "https://time.example/"},
            "timestamp_roots": roots,
        }
        self.settings(**good)
        with pytest.raises(SettingsError) as error:
            self.settings(**good | given)
        assert error.value.variable == PREFIX + variable
        assert "example" not in str(error.value)

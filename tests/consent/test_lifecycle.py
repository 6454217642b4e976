"""The life of a consent, cell by cell against the table that the project agreed on.

`tests/vectors/consent-state-machine.json` holds 13 states × 27 events, written from ISO/IEC TS
27560:2023 annex B, W3C DPV's consent statuses and GDPR before there was any code.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.model import Kind
from consent.grounds import Defect, Ground, LegalGround, Suspension, SuspensionGround
from consent.lifecycle import (
    TRANSITIONS,
    Guard,
    GuardError,
    IllegalTransitionError,
    Party,
    WrongPartyError,
    apply,
    transition,
)
from consent.model import OPEN, Command, Consent, Status
from tests.consent.consents import a_consent, ground_for
from tests.consent.flow import NOW

_SPEC: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "consent-state-machine.json").read_text()
)
_CELLS: list[dict[str, Any]] = _SPEC["cells"]
_FORBIDDEN = {"give_without_notice", "use_when_suspended", "reactivate"}
_GRID = [(status, command) for status in Status for command in Command]
_LEGAL = [cell for cell in _CELLS if cell["result"] != "REJECT"]
_AFTER_END = NOW + timedelta(days=30)
_GIVEN_BY = {
    Command.SUBJECT_REACHED_AGE: Party.GUARDIAN,
    Command.MANDATE_ENDED: Party.MANDATE_HOLDER,
}


def _id(cell: dict[str, Any]) -> str:
    return f"{cell['state']}-{cell['event']}"


def _ready(status: Status, command: Command) -> tuple[Consent, datetime]:
    """A consent in the state and a time at which the command's guards hold."""
    cell = TRANSITIONS.get((status, command))
    guards = cell.guards if cell else ()
    late = {Guard.REQUEST_EXPIRED, Guard.ENDED} & set(guards)
    uses = 1 if Guard.LAST_USE in guards else None
    version = 0 if status in OPEN - {Status.PENDING_JOINT} else 1
    consent = a_consent(
        status=status,
        version=version,
        uses_allowed=uses,
        uses_left=uses,
        given_by=_GIVEN_BY.get(command, Party.SUBJECT),
    )
    return consent, _AFTER_END if late else NOW


def test_the_states_are_those_of_the_specification() -> None:
    assert {state["name"] for state in _SPEC["states"]} == {str(status) for status in Status}


def test_the_commands_are_those_of_the_specification() -> None:
    assert set(_SPEC["events"]) == {str(command) for command in Command}


def test_what_is_forbidden_everywhere_is_not_even_a_command() -> None:
    assert _FORBIDDEN.isdisjoint({str(command) for command in Command})
    cells = [cell for cell in _CELLS if cell["event"] in _FORBIDDEN]
    assert len(cells) == len(_FORBIDDEN) * len(Status)
    assert {cell["result"] for cell in cells} == {"REJECT"}


def test_the_specification_has_every_cell_once() -> None:
    names = [_id(cell) for cell in _CELLS]
    assert len(set(names)) == len(names) == len(Status) * (len(Command) + len(_FORBIDDEN))


def test_the_table_has_no_legal_cell_more_than_the_specification() -> None:
    assert {(str(s), str(c)) for s, c in TRANSITIONS} == {(c["state"], c["event"]) for c in _LEGAL}


@pytest.mark.parametrize("cell", _LEGAL, ids=_id)
def test_a_legal_cell_is_as_specified(cell: dict[str, Any]) -> None:
    found = TRANSITIONS[Status(cell["state"]), Command(cell["event"])]
    assert found.result == cell["result"]
    assert found.parties == {Party(actor) for actor in cell["actors"]}
    known = {str(guard) for guard in Guard}
    assert {str(guard) for guard in found.guards} == set(cell["guards"]) & known


@pytest.mark.parametrize(("status", "command"), _GRID)
def test_a_command_moves_the_consent_or_is_refused_with_the_one_error(
    status: Status, command: Command
) -> None:
    consent, now = _ready(status, command)
    cell = TRANSITIONS.get((status, command))
    if cell is None:
        for party in Party:
            with pytest.raises(IllegalTransitionError) as refused:
                apply(consent, command, party=party, now=now)
            assert (refused.value.status, refused.value.command) == (status, command)
    else:
        for party in cell.parties:
            ground = ground_for(command, party)
            moved, kind = apply(consent, command, party=party, now=now, ground=ground)
            assert (moved.status, kind) == (cell.result, cell.kind)


@pytest.mark.parametrize(("status", "command"), list(TRANSITIONS))
def test_nobody_else_may_give_the_command(status: Status, command: Command) -> None:
    consent, now = _ready(status, command)
    for party in set(Party) - TRANSITIONS[status, command].parties:
        with pytest.raises(WrongPartyError) as refused:
            apply(consent, command, party=party, now=now)
        assert (refused.value.command, refused.value.party) == (command, party)


@pytest.mark.parametrize(("status", "command"), list(TRANSITIONS))
def test_an_applied_command_changes_nothing_of_what_was_asked_and_given(
    status: Status, command: Command
) -> None:
    consent, now = _ready(status, command)
    party = min(TRANSITIONS[status, command].parties)
    ground = ground_for(command, party)
    moved, _ = apply(consent, command, party=party, now=now, ground=ground)
    as_before = replace(
        moved,
        status=consent.status,
        version=consent.version,
        uses_left=consent.uses_left,
        suspended=consent.suspended,
        given_by=consent.given_by,
    )
    assert as_before == consent


def _suspended(by: Party, ground: SuspensionGround) -> Consent:
    return apply(a_consent(), Command.SUSPEND, party=by, now=NOW, ground=ground)[0]


_STOPPING = [
    (Party.SUBJECT, SuspensionGround.ART18),
    (Party.SYSTEM, SuspensionGround.CLIENT_SUSPENDED),
    (Party.SUPERVISOR, SuspensionGround.BREACH),
]


@pytest.mark.parametrize(("by", "ground"), _STOPPING)
def test_whoever_has_stopped_it_lets_it_go_on(by: Party, ground: SuspensionGround) -> None:
    stopped = _suspended(by, ground)
    assert stopped.suspended == Suspension(by, ground)
    going, kind = apply(stopped, Command.RESUME, party=by, now=NOW)
    assert (going.status, going.suspended, kind) == (Status.ACTIVE, None, Kind.CONSENT_RESUMED)
    for other in {Party.SUBJECT, Party.SYSTEM, Party.SUPERVISOR} - {by}:
        with pytest.raises(WrongPartyError):
            apply(stopped, Command.RESUME, party=other, now=NOW)


@pytest.mark.parametrize(
    ("command", "party", "ground"),
    [
        (Command.SUSPEND, Party.SUBJECT, None),
        (Command.SUSPEND, Party.SUBJECT, SuspensionGround.BREACH),
        (Command.SUSPEND, Party.SUPERVISOR, SuspensionGround.ART18),
        (Command.SUSPEND, Party.SUPERVISOR, LegalGround.COURT_ORDER),
        (Command.REVOKE, Party.COURT, None),
        (Command.REVOKE, Party.COURT, Defect.FRAUD),
        (Command.INVALIDATE, Party.COURT, None),
        (Command.INVALIDATE, Party.COURT, LegalGround.COURT_ORDER),
    ],
)
def test_a_ground_is_of_the_kind_that_the_command_and_the_party_need(
    command: Command, party: Party, ground: Ground | None
) -> None:
    with pytest.raises(GuardError):
        apply(a_consent(), command, party=party, now=NOW, ground=ground)


def test_it_can_be_renewed_from_thirty_days_before_its_end_until_its_end() -> None:
    ends = NOW + timedelta(days=30)
    lasting = a_consent(not_after=ends, expires_at=NOW - timedelta(days=300))
    apply(lasting, Command.RENEW, party=Party.SUBJECT, now=NOW)
    for moment, guard in (
        (NOW - timedelta(microseconds=1), Guard.NEAR_END),
        (ends, Guard.REQUEST_NOT_EXPIRED),
    ):
        with pytest.raises(GuardError) as refused:
            apply(lasting, Command.RENEW, party=Party.SUBJECT, now=moment)
        assert refused.value.guard is guard


@pytest.mark.parametrize(("command", "given_by"), _GIVEN_BY.items())
def test_control_passes_to_the_person_from_whoever_answered_for_her(
    command: Command, given_by: Party
) -> None:
    party = min(transition(Status.ACTIVE, command).parties)
    for_her = a_consent(given_by=given_by, control_passes_at=NOW)
    hers, _ = apply(for_her, command, party=party, now=NOW)
    assert (hers.given_by, hers.control_passes_at) == (Party.SUBJECT, None)
    with pytest.raises(GuardError):
        apply(hers, command, party=party, now=NOW)


def test_the_end_of_a_request_is_half_open() -> None:
    waiting = a_consent(status=Status.REQUESTED, version=0, expires_at=NOW)
    just_before = NOW - timedelta(microseconds=1)
    apply(waiting, Command.GIVE, party=Party.SUBJECT, now=just_before)
    with pytest.raises(GuardError) as late:
        apply(waiting, Command.GIVE, party=Party.SUBJECT, now=NOW)
    assert late.value.guard is Guard.REQUEST_NOT_EXPIRED
    apply(waiting, Command.TIME_OUT, party=Party.CLOCK, now=NOW)
    with pytest.raises(GuardError) as early:
        apply(waiting, Command.TIME_OUT, party=Party.CLOCK, now=just_before)
    assert (early.value.command, early.value.guard) == (Command.TIME_OUT, Guard.REQUEST_EXPIRED)


def test_the_end_of_a_consent_is_half_open() -> None:
    active = a_consent(not_after=NOW)
    just_before = NOW - timedelta(microseconds=1)
    apply(active, Command.USE, party=Party.CLIENT, now=just_before)
    with pytest.raises(GuardError, match="now<not_after"):
        apply(active, Command.USE, party=Party.CLIENT, now=NOW)
    apply(active, Command.REACH_END, party=Party.CLOCK, now=NOW)
    with pytest.raises(GuardError, match="now>=not_after"):
        apply(active, Command.REACH_END, party=Party.CLOCK, now=just_before)


@pytest.mark.parametrize("command", [Command.USE, Command.REACH_END])
def test_a_consent_without_an_end_can_neither_be_used_nor_end(command: Command) -> None:
    endless = a_consent(not_after=None)
    party = min(transition(Status.ACTIVE, command).parties)
    with pytest.raises(GuardError):
        apply(endless, command, party=party, now=_AFTER_END)


def test_a_use_counts_down_and_the_last_one_ends_the_consent() -> None:
    active = a_consent(uses_allowed=2, uses_left=2)
    once, kind = apply(active, Command.USE, party=Party.CLIENT, now=NOW)
    assert (once.status, once.uses_left, once.version, kind) == (
        Status.ACTIVE,
        1,
        active.version,
        Kind.DATA_RELEASED,
    )
    twice, _ = apply(once, Command.USE_LAST, party=Party.CLIENT, now=NOW)
    assert (twice.status, twice.uses_left, twice.version) == (Status.EXPIRED, 0, 2)


def test_unlimited_uses_are_not_counted() -> None:
    used, _ = apply(a_consent(), Command.USE, party=Party.CLIENT, now=NOW)
    assert used.uses_left is None
    with pytest.raises(GuardError, match="uses_left==1"):
        apply(a_consent(), Command.USE_LAST, party=Party.CLIENT, now=NOW)


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_use_is_no_plain_use(left: int) -> None:
    with pytest.raises(GuardError, match="uses_left>0"):
        apply(a_consent(uses_left=left), Command.USE, party=Party.CLIENT, now=NOW)


def test_withdrawing_twice_changes_nothing() -> None:
    withdrawn = a_consent(status=Status.WITHDRAWN, version=2)
    again, _ = apply(withdrawn, Command.WITHDRAW, party=Party.SUBJECT, now=NOW)
    assert again is withdrawn


def test_an_unanswered_request_has_no_record_whatever_becomes_of_it() -> None:
    waiting = a_consent(status=Status.REQUESTED, version=0)
    for command, party in (
        (Command.DEFER, Party.SUBJECT),
        (Command.CANCEL_REQUEST, Party.CLIENT),
        (Command.NOTICE_CHANGED_MATERIAL, Party.SYSTEM),
    ):
        assert apply(waiting, command, party=party, now=NOW)[0].version == 0


@pytest.mark.parametrize(
    ("command", "version"),
    [
        (Command.WITHDRAW, 2),
        (Command.NARROW, 2),
        (Command.RENEW, 2),
        (Command.SUSPEND, 2),
        (Command.MANDATE_ENDED, 1),
        (Command.NOTICE_CHANGED_EDITORIAL, 1),
    ],
)
def test_answers_and_changes_of_status_make_a_new_version(command: Command, version: int) -> None:
    party = min(transition(Status.ACTIVE, command).parties)
    given_by = _GIVEN_BY.get(command, Party.SUBJECT)
    ground = ground_for(command, party)
    consent = a_consent(given_by=given_by)
    moved, _ = apply(consent, command, party=party, now=NOW, ground=ground)
    assert moved.version == version


def test_a_command_as_a_reason_code_has_hyphens() -> None:
    assert Command.NOTICE_CHANGED_MATERIAL.reason == "notice-changed-material"

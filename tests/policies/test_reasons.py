import pytest

from audit.erasure import ORDERED, RETENTION_ENDED
from connectors.sign_in_errors import SignInError
from consent.decisions import DenialReason
from consent.grants import RefusalReason
from consent.joint import JOINTLY_RELEASED
from consent.model import Command
from policies.reasons import PLACES, load_reasons
from policies.vocabulary import Role
from vault.model import DisputeReason, Outcome
from vault.recipients import REASONS
from vault.release import (
    JOINT_WITHHELD,
    NOTHING_HELD,
    PROTECTED_WITHHELD,
    RESTRICTED_WITHHELD,
)
from vault.viewing import HISTORY

PROMISED = [
    "consent-active", "law-allows", "permission-given", "withdrawn", "ended", "not-yet-given",
    "refused", "purpose-differs", "more-than-accepted", "loa-low", "loa-high", "uses-spent",
    "client-suspended", "token-expired", "no-ground", "system-error", "not-held",
    "request-expired", "restricted", "mandate-missing",
]  # fmt: skip
GIVEN_BY_OTHER_ROOMS = [
    *DenialReason,
    *RefusalReason,
    *(command.reason for command in Command),
    *Role,
    *(error.code for error in SignInError.__subclasses__()),
    NOTHING_HELD,
    PROTECTED_WITHHELD,
    RESTRICTED_WITHHELD,
    JOINT_WITHHELD,
    JOINTLY_RELEASED,
    HISTORY,
    *DisputeReason,
    *Outcome,
    *REASONS.values(),
    ORDERED,
    RETENTION_ENDED,
]


@pytest.mark.parametrize("code", sorted({*PROMISED, *map(str, GIVEN_BY_OTHER_ROOMS)}))
def test_reason_that_a_decision_can_have_can_be_explained(code: str) -> None:
    assert code in load_reasons()


def test_sentences_leave_only_known_places() -> None:
    used = {place for reason in load_reasons().values() for place in reason.sentence.placeholders}
    assert used == PLACES

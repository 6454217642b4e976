"""`python -m tests.bench.decisions`: what a decision costs, made and remembered.

Microseconds of this thread's processor time, the best of several rounds: other work on the machine
does not count, though it empties caches. The bounds are 1,000 for a decision that is made and 30
for one that is remembered. Where no policy permits and none forbids, the decision is made a second
time by the conditions of the permits, to explain it: two decisions.
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import Ledger, UnitOfWork
from consent.deciding import ask_fetch
from consent.declared import DeclarationStatus
from consent.grants import TokenAccess, TokenKind
from consent.model import ClientStatus, Status
from consent.store.tokens import FetchState, GrantState
from policies.canonical import canonical_json
from policies.cedar_port import CedarPort
from policies.decision_inputs import decision_input
from policies.ids import ClientId, ConsentId, OrganisationId, PersonId
from policies.policy_set import load_policy_set
from policies.questions import Question
from policies.vocabulary import LegalBasis
from tests.consent.flow import DEBT_ADVICE, JKT, NEEDED, NOW, catalogue
from tests.policies.asking import DATA, all_is_well, changed
from tests.wrapping import MemoryWrapper

ROUNDS = 15
MADE, REMEMBERED = 1000, 30


def main() -> int:
    began = time.thread_time()
    port = CedarPort(load_policy_set())
    print(f"reading and checking the policies: {1000 * (time.thread_time() - began):.0f} ms")
    well = all_is_well("consent")
    questions = {
        "allowed": well,
        "denied by a policy": changed(well, {"grant.state": "withdrawn"}),
        "denied by none": changed(well, {"grant.state": "requested"}),
    }
    found = []
    for name, asked in questions.items():
        times = 2 if name == "denied by none" else 1
        found.append(show(f"made, {name}", made(port, asked), times * MADE))
    found.append(show("remembered, from rows to verdict", remembered(), REMEMBERED))
    return 0 if all(found) else 1


def made(port: CedarPort, asked: Question) -> float:
    """From the question to the decision, as for the first time."""
    return best(lambda: port.decide(decision_input(asked, DATA)), times=200)


def best(work: Callable[[], object], *, times: int) -> float:
    """Microseconds for one, in the best round."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(times):
            work()
        rounds.append((time.thread_time() - began) / times * 1e6)
    return min(rounds)


def show(name: str, spent: float, bound: int) -> bool:
    print(f"{name}: {spent:.1f} µs (at most {bound})")
    return spent <= bound


def remembered() -> float:
    """Everything that a fetch does for a decision, beside reading the rows."""
    access, state, uow = _access(), _state(), _unit_of_work()
    asked = NEEDED[:2]
    return best(lambda: ask_fetch(uow, access, state, asked).marks, times=5000)


def _unit_of_work() -> UnitOfWork:
    """One that nothing is written in: the declaration is known by its digest after the first."""
    engine = open_engine("sqlite://")
    uow = UnitOfWork(engine.connect(), Ledger(engine, MemoryWrapper()), SYSTEM, NOW)
    uow.connection.exec_driver_sql(
        "CREATE TABLE consent_purpose (purpose_id, version, declaration, digest, registered_at,"
        " audit_event_id)"
    )
    declared = catalogue().purpose(DEBT_ADVICE)
    uow.connection.exec_driver_sql(
        "INSERT INTO consent_purpose (purpose_id, version, declaration) VALUES (?, ?, ?)",
        (declared.id, declared.version, canonical_json(declared.to_json())),
    )
    return uow


def _access() -> TokenAccess:
    return TokenAccess(
        digest=bytes(32),
        kind=TokenKind.CONSENT,
        consent=ConsentId(UUID(int=1)),
        person=PersonId(UUID(int=2)),
        organisation=OrganisationId("debt-counsel"),
        client=ClientId("debt-counsel-1"),
        purpose=DEBT_ADVICE,
        basis=LegalBasis.CONSENT,
        attributes=NEEDED,
        jkt=JKT,
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
        case=None,
        active=True,
        purpose_version=catalogue().purpose(DEBT_ADVICE).version,
    )


def _state() -> FetchState:
    return FetchState(
        expires_at=NOW + timedelta(minutes=5),
        revoked_at=None,
        client=ClientStatus.ACTIVE,
        purpose=DeclarationStatus.APPROVED,
        declaration=catalogue().purpose(DEBT_ADVICE).digest(),
        consent=GrantState(
            version=1,
            status=Status.ACTIVE,
            person=PersonId(UUID(int=2)),
            client=ClientId("debt-counsel-1"),
            purpose=DEBT_ADVICE,
            basis=LegalBasis.CONSENT,
            not_before=NOW,
            not_after=NOW + timedelta(days=90),
            uses_left=5,
            granted=NEEDED,
        ),
    )


if __name__ == "__main__":
    sys.exit(main())

"""The table of decisions notices when a policy is wrong.

All changes are tried where everything is (`.ci/run`), elsewhere one in eight;
`python -m tests.policies.mutation` tries all.
"""

import os

from policies.policy_set import load_policy_set
from tests.policies.asking import cases
from tests.policies.mutation import SCORE_WANTED, Mutant, Table, mutants, noticed

STEP = 1 if os.environ.get("CONSENT_VAULT_TEST_ALL_REQUESTS") else 8
POLICIES = load_policy_set()
TABLE = Table(POLICIES, cases())


def _noticed(mutant: Mutant) -> bool:
    return noticed(mutant, POLICIES, TABLE.first_of(mutant.policy))


def test_nearly_every_change_of_a_policy_is_noticed() -> None:
    tried = list(mutants(POLICIES))[::STEP]
    alive = [f"{each.policy}: {each.what}" for each in tried if not _noticed(each)]
    assert 1 - len(alive) / len(tried) >= SCORE_WANTED, alive


def test_a_change_that_changes_nothing_is_not_taken_for_noticed() -> None:
    name = "deny.withdrawn"
    assert not _noticed(Mutant(name, "as it is", dict(POLICIES.bodies[name])))

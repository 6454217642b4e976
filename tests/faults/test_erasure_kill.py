"""kill -9 of an erasure, at any place of it, on both databases: all of it, or nothing.

Somebody who was told that all is gone is told the truth. Where the journal outside knows of an
erasure that did not come to its end, the replay makes it.
"""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from audit.completeness import check
from audit.journal_line import Told
from audit.model import SYSTEM
from audit.own_effects import EFFECTS as OWN_EFFECTS
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from consent.effects import EFFECTS as CONSENT
from consent.model import LIVE, Status
from consent.reading import consent
from policies.ids import ConsentId, PersonId
from tests.audit.sample import signers
from tests.consent.flow import Flow
from tests.faults.erasing import opened
from tests.vault.erasing import keep_two_data_sets, rows
from tests.vault.given import GLUCOSE, GROSS, NOW, viewed
from tests.vault.ring_house import SCHEME
from vault.effects import EFFECTS
from vault.people import enrol
from vault.replay import replay
from vault.vault import Vault

KILLS = 14
"""On each database."""
AT_THE_END = 6
"""Of them, in the last steps: around the commit."""


def test_an_erasure_that_is_killed_has_erased_all_or_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    ledger, vault = opened(url, tmp_path)
    flow = Flow(ledger)
    people = [_somebody(ledger, vault, number) for number in range(KILLS + 2)]
    consents = {each: flow.given(person=each).record.consent for each in people}
    ledger.engine.dispose()
    told = _lives(url, tmp_path, people)

    gone = [each for each in people if rows(ledger, each) == {"vault_erasure": 1}]
    assert ledger.journal is not None
    lines = ledger.journal.read().entries
    in_journal = {PersonId(each.id_at(1)) for each in lines if each.what is Told.PERSON_ERASED}
    assert {f"erased {each}" for each in gone} >= {e for e in told if e.startswith("erased")}
    assert 2 < len(gone) < len(people)  # more than those two whom nothing stopped
    assert set(gone) <= in_journal
    for each in people:
        _check(ledger, vault, each, consents[each], gone=each in gone)

    half = len(in_journal) - len(gone)
    assert replay(ledger, vault, ledger.journal, now=NOW).erased == half
    for each in in_journal:
        assert rows(ledger, each) == {"vault_erasure": 1}
    Sequencer(ledger, signers()).run_once(NOW)
    assert check(ledger, [OWN_EFFECTS, EFFECTS, CONSENT], now=NOW).findings == ()
    ledger.engine.dispose()


def _somebody(ledger: Ledger, vault: Vault, number: int) -> PersonId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        person = enrol(uow, vault, scheme=SCHEME, identifier=f"somebody-{number}")
    keep_two_data_sets(ledger, vault, person)
    return person


def _lives(url: str, folder: Path, people: list[PersonId]) -> list[str]:
    """Let each of them be erased in a life of its own; what the lives told."""
    command = [sys.executable, "-m", "tests.faults.erasing", url, str(folder), *map(str, people)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, steps, turns = list[str](), 0, iter([0])
        for _ in people[1:]:
            process.stdin.write(f"{next(turns)}\n")
            life = list[str]()
            while not life or not life[-1].startswith("ended"):
                life.append(process.stdout.readline().strip())
                assert life[-1], "the parent of all lives is gone"
            told += life
            if not steps:
                steps = int(life[-2].split()[1])
                turns = iter(_turns(steps))
            else:
                assert life[-1] in {"ended -9", "ended 0"}
        process.stdin.close()
    assert sum(each == "ended -9" for each in told) >= KILLS - AT_THE_END
    return told


def _turns(steps: int) -> list[int]:
    """Where the blows fall."""
    begins = KILLS - AT_THE_END
    spread = [1 + steps * each // begins for each in range(begins)]
    return spread + [steps - 3 * each for each in range(AT_THE_END)]


def _check(ledger: Ledger, vault: Vault, person: PersonId, given: ConsentId, *, gone: bool) -> None:
    facts = viewed(ledger, vault, person, GROSS, GLUCOSE).facts
    with ledger.read(person) as connection:
        found = consent(connection, given)
    assert found is not None
    if gone:
        assert facts == ()
        assert found.status is Status.WITHDRAWN
    else:
        assert [each.attribute for each in facts] == [GROSS, GLUCOSE]
        assert found.status in LIVE

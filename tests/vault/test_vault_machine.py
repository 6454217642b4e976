"""Whatever happens to the vault in whatever order, it holds what a plain model says, and no more.

Sources deposit and correct, people dispute and have things erased, recipients fetch, keys of both
kinds are replaced, and older copies of the database come back and are replayed. The model is lists
of facts and tells the rules a second time. All parts are the real ones, on both databases.
"""

import shutil
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from audit.check_report import Gap
from audit.completeness import check
from audit.epochs import StillNeededError
from audit.model import SYSTEM
from audit.own_effects import EFFECTS as LOG
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from consent.decisions import decide_self_access
from consent.effects import EFFECTS as CONSENT
from policies.facts import Fact
from policies.ids import AttributeId, DatasetId, OrganisationId
from policies.vocabulary import Label, LegalBasis
from tests.vault import given
from tests.vault.erasing import rows
from tests.vault.modelled import (
    Copy,
    Installation,
    Opened,
    postgresql_schemas,
    sqlite_copies,
)
from tests.vault.vault_model import (
    ATTRIBUTES,
    CODES,
    DATASETS,
    RANKS,
    SOURCES,
    Said,
    Someone,
    dataset_of,
)
from vault.disputes import AlreadyDisputedError, dispute, settle
from vault.effects import EFFECTS
from vault.erasure import KeptError, Request, erase_dataset, erase_person
from vault.key_ring import DELAY, NotBegunError, NothingToFinishError
from vault.model import DisputeReason, Outcome
from vault.people import IDENTITY_SCHEME, enrol, find_person
from vault.release import release
from vault.resealing import begin_rotation, reseal_everyone
from vault.sealed_check import differing_deposits
from vault.store import tables
from vault.unwanted import allow_again
from vault.viewing import view_history

MOST_COPIES = 3


class VaultMachine(Installation):
    """Anything that may be done to it, by whoever may do it."""

    @initialize(data=st.data())
    def somebody_with_data(self, data: st.DataObject) -> None:
        self.enrols(CODES[0])
        self.a_source_deposits(data)

    @rule(code=st.sampled_from(CODES))
    def enrols(self, code: str) -> None:
        with self.work() as uow:
            person = enrol(uow, self.vault, scheme=IDENTITY_SCHEME, identifier=code)
        known = {each.code: id_ for id_, each in self.world.people.items()}
        assert person == known.get(code, person)
        assert (person in self.ever) == (code in known)
        self.ever[person] = code
        self.world.people.setdefault(person, Someone(code))

    @precondition(lambda self: self.world.people)
    @rule(data=st.data())
    def a_source_deposits(self, data: st.DataObject) -> None:
        dataset, source = data.draw(st.sampled_from(DATASETS)), data.draw(st.sampled_from(SOURCES))
        ours = [each for each in ATTRIBUTES if dataset_of(each) == dataset]
        attributes = data.draw(st.lists(st.sampled_from(ours), min_size=1, unique=True))
        facts = [
            Fact(
                attribute=each,
                value=data.draw(st.sampled_from(ATTRIBUTES[each])),
                source=source,
                authority=data.draw(st.sampled_from(RANKS)),
                observed_at=given.EARLIER + timedelta(hours=data.draw(st.integers(0, 3))),
                labels=data.draw(st.sampled_from([frozenset(), frozenset({Label.PROTECTED})])),
            )
            for each in attributes
        ]
        self.deposits(self.someone(data), *facts, times=data.draw(st.sampled_from([1, 1, 2])))

    @precondition(lambda self: any(each.records for each in self.world.people.values()))
    @rule(data=st.data())
    def a_source_corrects(self, data: st.DataObject) -> None:
        person, record = self.record(data)
        newest = max(each.observed_at for each in record.versions)
        old = record.versions[record.current]
        value = data.draw(st.sampled_from(ATTRIBUTES[old.attribute]))
        later = newest + timedelta(minutes=1)
        fact = replace(old, value=value, observed_at=later, labels=frozenset(), evidence=None)
        self.deposits(person, fact)
        assert record.current == len(record.versions) - 1

    @precondition(lambda self: any(each.records for each in self.world.people.values()))
    @rule(data=st.data(), restrict=st.booleans())
    def disputes(self, data: st.DataObject, restrict: bool) -> None:
        person, record = self.record(data)
        about = record.versions[0]
        refused = pytest.raises(AlreadyDisputedError) if record.dispute else ExitStack()
        with refused, self.work(person) as uow:
            opened = dispute(
                uow,
                self.vault,
                person,
                attribute=about.attribute,
                source=about.source,
                reason=DisputeReason.WRONG,
                restrict=restrict,
            )
            record.dispute_by(opened, restrict=restrict)
            self.told.append(Said(opened, person, record.tag, restrict))

    @precondition(lambda self: self.disputed())
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def a_dispute_is_settled(self, data: st.DataObject, outcome: Outcome) -> None:
        person, record = data.draw(st.sampled_from(self.disputed()))
        with self.work(person if outcome is Outcome.TAKEN_BACK else None) as uow:
            assert record.dispute is not None
            settle(uow, self.vault, person, record.dispute, outcome)
        self.told.append(Said(record.dispute, person, record.tag))
        record.settle()

    @precondition(lambda self: self.world.people)
    @rule(
        data=st.data(),
        wanted=st.lists(st.sampled_from(list(ATTRIBUTES)), min_size=1, unique=True),
        organisation=st.sampled_from([given.KELA, given.BANK]),
        basis=st.sampled_from([LegalBasis.STATUTE, LegalBasis.CONSENT]),
    )
    def a_recipient_fetches(
        self,
        data: st.DataObject,
        wanted: list[AttributeId],
        organisation: OrganisationId,
        basis: LegalBasis,
    ) -> None:
        person = self.someone(data)
        with self.work() as uow:
            permit = given.permit(uow, person, wanted, organisation=organisation, basis=basis)
            got = release(uow, self.vault, permit)
        model = self.world.people[person]
        sees = organisation == given.KELA and basis is LegalBasis.STATUTE
        held = [each for each in wanted if each in model.held]
        withheld = [each for each in held if not sees and model.is_withheld(each)]
        assert list(got.facts) == [model.best(each) for each in held if each not in withheld]
        assert list(got.withheld) == withheld
        assert list(got.not_held) == [each for each in wanted if each not in held]

    @rule()
    def a_main_key_is_added(self) -> None:
        before = self.provider.key_ids()
        newest = self.ring.begin(actor=SYSTEM, now=self.clock())
        assert (newest in before) == (len(before) > 1)
        self.world.begun.add(newest)

    @rule(whole=st.booleans())
    def keys_are_wrapped_anew(self, whole: bool) -> None:
        work = self.ring.rewrap(actor=SYSTEM, clock=self.clock, limit=2)
        if not whole:  # the operator stops it after the first batch
            next(work, None)
            return
        assert sum(each.unreadable for each in work) == 0
        assert self.older_keys() == set()

    @rule()
    def the_older_main_key_is_destroyed(self) -> None:
        self.now += DELAY
        *old, newest = self.provider.key_ids()
        refused: type[Exception] | None = None
        if not old:
            refused = NothingToFinishError
        elif newest not in self.world.begun:
            refused = NotBegunError
        elif self.older_keys():
            refused = StillNeededError
        with pytest.raises(refused) if refused else ExitStack():
            assert self.ring.finish(actor=SYSTEM, now=self.clock()) == old
        assert self.provider.key_ids() == ((*old, newest) if refused else (newest,))

    @rule(whole=st.booleans())
    def people_get_new_keys(self, whole: bool) -> None:
        before, was_rotating = self.person_keys(), self.world.rotating
        with begin(self.ledger, actor=SYSTEM, now=self.clock(), about=EVERYONE) as uow:
            rotation = begin_rotation(uow)
        work = reseal_everyone(
            self.ledger, self.vault, rotation, actor=SYSTEM, clock=self.clock, at_once=1
        )
        if not whole:  # the operator stops it after the first person
            self.world.rotating = next(work, None) is not None
            return
        assert [each.unreadable for each in work if each.unreadable] == []
        self.world.rotating = False
        assert was_rotating or before.isdisjoint(self.person_keys())

    @precondition(lambda self: self.world.people)
    @rule(data=st.data(), dataset=st.sampled_from(DATASETS), by_order=st.booleans())
    def a_data_set_is_erased(self, data: st.DataObject, dataset: DatasetId, by_order: bool) -> None:
        person = self.someone(data)
        model, before = self.world.people[person], self.person_keys(person)
        request = Request.by_order("H/1") if by_order else Request.by_wish()
        kept = model.is_kept(dataset) and not by_order
        with pytest.raises(KeptError) if kept else ExitStack(), self.work(person) as uow:
            erase_dataset(uow, self.vault, person, dataset, request)
        if not kept:
            self.told.append((request.erasure, person, dataset))
            self.world.erasures.add(request.erasure)
            model.erase(dataset)
            assert before.isdisjoint(self.person_keys(person))

    @precondition(lambda self: any(each.unwanted for each in self.world.people.values()))
    @rule(data=st.data())
    def a_data_set_is_wanted_again(self, data: st.DataObject) -> None:
        refused = [(p, d) for p, each in self.world.people.items() for d in sorted(each.unwanted)]
        person, dataset = data.draw(st.sampled_from(refused))
        with self.work(person) as uow:
            assert allow_again(uow, self.vault, person, dataset)
        self.world.people[person].unwanted.remove(dataset)

    @precondition(lambda self: self.world.people)
    @rule(data=st.data())
    def a_person_is_erased(self, data: st.DataObject) -> None:
        person, request = self.someone(data), Request.by_wish()
        with self.work(person) as uow:
            erase_person(uow, self.vault, person, request)
        self.told.append((request.erasure, person, None))
        self.world.erasures.add(request.erasure)
        del self.world.people[person]

    @precondition(lambda self: len(self.copies) < MOST_COPIES)
    @rule()
    def a_copy_is_taken(self) -> None:
        self.copies.append(self.copied())

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def an_older_copy_comes_back(self, data: st.DataObject) -> None:
        copy = data.draw(st.sampled_from(self.copies))
        if copy.needs <= set(self.provider.key_ids()):
            self.restore(copy)
            self.replays()
        else:
            self.comes_back_for_a_look(copy)

    @rule()
    def a_copy_from_before_an_epoch_comes_back(self) -> None:
        """Of the rules above, so few steps bring together hardly ever what this one needs."""
        copy, here = self.copied(), set(self.provider.key_ids())
        self.a_main_key_is_added()
        self.keys_are_wrapped_anew(whole=True)
        self.the_older_main_key_is_destroyed()
        assert len(self.provider.key_ids()) == 1
        assert here - set(self.provider.key_ids())
        self.comes_back_for_a_look(copy)

    def comes_back_for_a_look(self, copy: Copy) -> None:
        """Its keys are gone for good, and nothing else is as it was: so it is put away again."""
        now = self.copied()
        self.restore(copy)
        self.what_a_destroyed_key_wrapped_opens_no_more()
        self.restore(now)

    # Invariants.

    @invariant()
    def every_value_of_the_living_is_there_and_opens(self) -> None:
        for person, model in self.world.people.items():
            with self.work(person) as uow:
                permit = decide_self_access(uow, person, list(ATTRIBUTES))
                history = view_history(uow, self.vault, permit).statements
                now = release(uow, self.vault, permit).facts
            assert list(now) == [model.best(each) for each in model.held]
            seen = {
                (each.fact.attribute, each.fact.source, each.version): (
                    each.fact,
                    each.fact.evidence,
                    each.counts,
                )
                for each in history
            }
            assert len(seen) == len(history)
            assert seen == {
                (*place, n): (
                    record.fact if n == record.current + 1 else fact,
                    fact.evidence,
                    n == record.current + 1,
                )
                for place, record in model.records.items()
                for n, fact in enumerate(record.versions, start=1)
            }

    @invariant()
    def what_is_kept_is_what_the_log_tells_of(self) -> None:
        with self.ledger.read(EVERYONE) as connection:
            for person in self.world.people:
                assert differing_deposits(connection, self.ledger, person) == []
            number = connection.execute(select(func.count()).select_from(tables.version))
            people = self.world.people.values()
            kept = [len(record.versions) for each in people for record in each.records.values()]
            assert number.scalar_one() == sum(kept)

    @invariant()
    def nothing_is_left_of_whoever_is_gone(self) -> None:
        for person, code in self.ever.items():
            if person in self.world.people:
                continue
            assert set(rows(self.ledger, person)) <= {"vault_erasure"}
            with self.ledger.read() as connection:
                found = find_person(connection, self.vault, scheme=IDENTITY_SCHEME, identifier=code)
            assert found != person

    @invariant()
    def the_log_misses_nothing(self) -> None:
        report = check(self.ledger, [EFFECTS, CONSENT, LOG], now=self.now)
        # Nothing puts leaves into a tree here, so all of them wait.
        assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.folder)


def run(opened: Opened, *, examples: int, steps: int) -> None:
    VaultMachine.opened = staticmethod(opened)
    # Without shrinking: it would take minutes, and so few steps can be read as they are.
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    run_state_machine_as_test(VaultMachine, settings=limits)


@pytest.mark.slow
def test_the_vault_holds_what_the_model_says_whatever_happens(tmp_path: Path) -> None:
    run(sqlite_copies(tmp_path / "empty.db"), examples=30, steps=15)


@pytest.mark.slow
def test_the_same_on_postgresql(postgresql_url: str) -> None:
    run(postgresql_schemas(postgresql_url), examples=3, steps=12)

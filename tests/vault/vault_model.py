"""What the vault must hold, as plain lists of facts: its rules, told a second time."""

from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from policies.facts import Fact, Value
from policies.ids import AttributeId, DatasetId, DisputeId, PersonId, SourceId
from policies.vocabulary import AuthorityRank, Label
from tests.vault import given

CODES = [given.AINO, given.VILLE, "010190-999W"]
SOURCES = [given.TAX, given.POPULATION]
ATTRIBUTES: dict[AttributeId, list[Value]] = {
    given.GROSS: [1, 2],
    given.EMPLOYER: ["A", "B"],
    given.STREET: ["Katu 1", "Katu 2"],
    given.HOUSEHOLD: [1, 2],
    given.GLUCOSE: [64, 71],
}


def dataset_of(attribute: AttributeId) -> DatasetId:
    return given.catalogue().attribute(attribute).dataset


DATASETS = sorted({dataset_of(each) for each in ATTRIBUTES})
RANKS = [AuthorityRank.AUTHORITY_COPY, AuthorityRank.AUTHORITATIVE_REGISTER]

Place = tuple[AttributeId, SourceId]


@dataclass(slots=True)
class Record:
    """What one source has said of one attribute, and the person's open dispute with it."""

    tag: UUID = field(default_factory=uuid4)
    """Another one, should the same be deposited after an erasure."""
    versions: list[Fact] = field(default_factory=list)
    dispute: DisputeId | None = None
    restricted: bool = False
    disputes: set[DisputeId] = field(default_factory=set)
    """All that there were."""

    def dispute_by(self, dispute: DisputeId, *, restrict: bool) -> None:
        self.dispute, self.restricted = dispute, restrict
        self.disputes.add(dispute)

    def settle(self) -> None:
        self.dispute, self.restricted = None, False

    @property
    def current(self) -> int:
        """The place of the version that counts: of highest rank, then the newest, then the last."""
        ranked = [(each.authority, each.observed_at, n) for n, each in enumerate(self.versions)]
        return max(ranked)[2]

    @property
    def fact(self) -> Fact:
        marks = {Label.DISPUTED} if self.dispute else set()
        marks |= {Label.RESTRICTED} if self.restricted else set()
        found = self.versions[self.current]
        return replace(found, labels=found.labels | marks)


@dataclass(frozen=True, slots=True)
class Said:
    """What the journal was told of a dispute: that it was opened, or, without `restrict`, that it
    was settled."""

    dispute: DisputeId
    person: PersonId
    tag: UUID
    restrict: bool | None = None


@dataclass(slots=True)
class Someone:
    """A living person, as the model knows her."""

    code: str
    records: dict[Place, Record] = field(default_factory=dict)
    unwanted: set[DatasetId] = field(default_factory=set)

    def erase(self, dataset: DatasetId) -> None:
        self.records = {p: r for p, r in self.records.items() if dataset_of(p[0]) != dataset}
        self.unwanted.add(dataset)

    def current(self, attribute: AttributeId) -> list[Fact]:
        return [each.fact for (found, _), each in self.records.items() if found == attribute]

    def best(self, attribute: AttributeId) -> Fact:
        facts = self.current(attribute)
        first = max(facts, key=lambda each: (each.authority, each.observed_at, each.source))
        equals = {each.value for each in facts if each.authority == first.authority}
        marks = {Label.DISPUTED} if len(equals) > 1 else set()
        return replace(first, labels=first.labels | marks)

    @property
    def held(self) -> list[AttributeId]:
        return [each for each in ATTRIBUTES if self.current(each)]

    def is_protected(self, but: DatasetId | None = None) -> bool:
        return any(
            Label.PROTECTED in each.fact.labels
            for (attribute, _), each in self.records.items()
            if dataset_of(attribute) != but
        )

    def is_kept(self, dataset: DatasetId) -> bool:
        """The mark goes with the data set, and what is left tells where she is."""
        rest = [each for each in self.held if dataset_of(each) != dataset]
        tells_where = any(given.catalogue().attribute(each).contact for each in rest)
        return tells_where and self.is_protected() and not self.is_protected(but=dataset)

    def is_withheld(self, attribute: AttributeId) -> bool:
        """From whoever does not see what is marked."""
        labels = {label for each in self.current(attribute) for label in each.labels}
        hidden = given.catalogue().attribute(attribute).contact and self.is_protected()
        return hidden or bool(labels & {Label.PROTECTED, Label.RESTRICTED})


@dataclass(slots=True)
class World:
    """All that a copy of the database brings back."""

    people: dict[PersonId, Someone] = field(default_factory=dict)
    erasures: set[UUID] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    rotating: bool = False

    def hear_again(self, said: Said) -> bool:
        """What a replay does about a dispute; whether there is anything to do."""
        someone = self.people.get(said.person)
        records = [] if someone is None else someone.records.values()
        for record in (each for each in records if each.tag == said.tag):
            if said.restrict is None and record.dispute == said.dispute:
                record.settle()
                return True
            if said.restrict is not None and record.dispute is None:
                known = said.dispute in record.disputes
                if not known:
                    record.dispute_by(said.dispute, restrict=said.restrict)
                return not known
        return False

"""The decision point of one installation: a port, the catalogue's facts, and what it remembers.

A decision is a function of its question and of the policies, so the answer to the same question is
remembered. State, time and uses are part of the question: they are asked anew each time.
"""

from collections.abc import Iterable
from functools import cache

from policies.catalogue import Catalogue, load_catalogue
from policies.cedar_port import CedarPort
from policies.decision_inputs import UNKNOWN_DATA, data_facts, decision_input
from policies.decisions import SYSTEM_ERROR, Decision, DecisionPort
from policies.ids import OrganisationId
from policies.policy_set import load_policy_set
from policies.questions import Question

UNKNOWN_KIND = "unknown"
_MOST = 4096
"""How many decisions are remembered before all are forgotten."""


class DecisionPoint:
    """Decides questions by one policy set and one catalogue. To change either, make another."""

    def __init__(self, port: DecisionPort, catalogue: Catalogue, *, most: int = _MOST) -> None:
        self._port = port
        self._data = data_facts(catalogue)
        self._kinds = {id_: each.kind.value for id_, each in catalogue.organisations.items()}
        self._most = most
        self._known: dict[Question, Decision] = {}

    @property
    def policy_set(self) -> str:
        """Digest of the policies by which it decides."""
        return self._port.policy_set

    @property
    def faults(self) -> int:
        """How many decisions could not be made here."""
        return self._port.faults

    def kind(self, organisation: OrganisationId) -> str:
        """What kind of organisation it is; the policies give an unknown one nothing by law."""
        return self._kinds.get(organisation, UNKNOWN_KIND)

    def decide(self, asked: Question) -> Decision:
        """The decision on one data set."""
        known = self._known.get(asked)
        if known is not None:
            return known
        data = self._data.get(asked.dataset, UNKNOWN_DATA)
        made = self._port.decide(decision_input(asked, data))
        if made.reason != SYSTEM_ERROR:
            self._remember(asked, made)
        return made

    def decide_all(self, asked: Iterable[Question]) -> tuple[Decision, ...]:
        """The decisions on several data sets, the one that is to be told of first in front."""
        return tuple(sorted(map(self.decide, asked), key=lambda each: (each.allowed, each.rank)))

    def _remember(self, asked: Question, made: Decision) -> None:
        if len(self._known) >= self._most:
            self._known = {}
        self._known[asked] = made


@cache
def packaged_decision_point() -> DecisionPoint:
    """By the policies and the catalogue that come with the program.

    Raises PolicySetError and CatalogueError.
    """
    return DecisionPoint(CedarPort(load_policy_set()), load_catalogue())

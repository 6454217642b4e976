"""What differs between two versions of a notice, member by member: the changed terms of a renewal.

Pure. Shown to the person in her language before she extends a consent by the new notice.
"""

from dataclasses import dataclass
from enum import StrEnum

from policies.ids import AttributeId
from policies.purposes import PurposeDeclaration
from policies.text import Text


class Term(StrEnum):
    """What can differ."""

    PURPOSE = "purpose"
    USE = "use"
    LAW = "law"
    RETENTION = "retention"
    RECIPIENTS = "recipients"
    REFUSAL_CONSEQUENCE = "refusal_consequence"
    ALTERNATIVE_PATH = "alternative_path"
    AUTOMATED_DECISION = "automated_decision"
    VALIDITY = "max_validity_days"
    USES = "max_uses"
    ATTRIBUTE = "attribute"
    """Why one of the data is needed, or what follows without it."""


_TEXTS = (
    Term.PURPOSE,
    Term.USE,
    Term.LAW,
    Term.RETENTION,
    Term.RECIPIENTS,
    Term.REFUSAL_CONSEQUENCE,
    Term.ALTERNATIVE_PATH,
)
_FACTS = (Term.AUTOMATED_DECISION, Term.VALIDITY, Term.USES)

Value = Text | int | bool | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One term before and after; None where there is none."""

    term: Term
    before: Value
    after: Value
    attribute: AttributeId | None = None


def differences(before: PurposeDeclaration, after: PurposeDeclaration) -> list[Difference]:
    """What differs, in the order in which a notice tells it."""
    told = [
        Difference(term, getattr(before, term.value), getattr(after, term.value))
        for term in (*_TEXTS, *_FACTS)
    ]
    return [each for each in told if each.before != each.after] + _attributes(before, after)


def _attributes(before: PurposeDeclaration, after: PurposeDeclaration) -> list[Difference]:
    old = {each.id: each.why for each in before.attributes}
    new = {each.id: each.why for each in after.attributes}
    ids = [*old, *(each for each in new if each not in old)]
    return [
        Difference(Term.ATTRIBUTE, old.get(each), new.get(each), each)
        for each in ids
        if old.get(each) != new.get(each)
    ]

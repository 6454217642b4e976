"""What follows from a ground: whether the person decides, and which rights she has.

A recipient's ground is one of six (`policies.vocabulary.LegalBasis`), fixed in its declaration and
never stacked upon another one. The rights are articles of the GDPR; with a permission or a request
the recipient's own processing rests on the law, so that its rights follow.
"""

from collections.abc import Mapping
from enum import StrEnum

from policies.vocabulary import LegalBasis


class Right(StrEnum):
    """A right of the person, by the article of the GDPR that gives it."""

    WITHDRAW = "7-3"
    ACCESS = "15"
    RECTIFY = "16"
    ERASE = "17"
    RESTRICT = "18"
    TAKE_ALONG = "20"
    OBJECT = "21"
    HUMAN_DECISION = "22"
    COMPLAIN = "77"


_ALWAYS = (Right.ACCESS, Right.RECTIFY)
_BY_LAW_OF_RECIPIENT = (*_ALWAYS, Right.ERASE, Right.RESTRICT, Right.OBJECT)
_RIGHTS: Mapping[LegalBasis, tuple[Right, ...]] = {
    LegalBasis.CONSENT: (
        Right.WITHDRAW,
        *_ALWAYS,
        Right.ERASE,
        Right.RESTRICT,
        Right.TAKE_ALONG,
    ),
    LegalBasis.PERMISSION: _BY_LAW_OF_RECIPIENT,
    LegalBasis.REQUEST: _BY_LAW_OF_RECIPIENT,
    # No portability (article 20) and no erasure because somebody wishes it (17(1)(b)).
    LegalBasis.STATUTE: (*_ALWAYS, Right.RESTRICT, Right.OBJECT),
    LegalBasis.CONTRACT: (*_ALWAYS, Right.ERASE, Right.RESTRICT, Right.TAKE_ALONG),
    LegalBasis.VITAL: (*_ALWAYS, Right.ERASE, Right.RESTRICT),
}


def rights_of(basis: LegalBasis, *, automated: bool = False) -> tuple[Right, ...]:
    """The rights that follow from a ground, and from a decision that a program makes."""
    decided = (Right.HUMAN_DECISION,) if automated else ()
    return (*_RIGHTS[basis], *decided, Right.COMPLAIN)

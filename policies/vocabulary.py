"""Closed sets of words, named as the standards name them (GDPR, eIDAS, DPV, MyData)."""

from enum import IntEnum, StrEnum


class LegalBasis(StrEnum):
    """Why a recipient may process the data; six grounds stand in one ledger.

    `permission` lifts secrecy for one transfer while the recipient's own ground is the law;
    `request` is the person's explicit request to fetch evidence (Regulation (EU) 2018/1724,
    article 14). The other four are the letters of GDPR article 6(1).
    """

    CONSENT = "consent"
    PERMISSION = "permission"
    REQUEST = "request"
    STATUTE = "statute"
    CONTRACT = "contract"
    VITAL = "vital"

    @property
    def is_choice(self) -> bool:
        """True when the person decides; a legal duty is never shown as a choice."""
        return self in {LegalBasis.CONSENT, LegalBasis.PERMISSION, LegalBasis.REQUEST}


class LevelOfAssurance(IntEnum):
    """How surely we know who acts (Regulation (EU) 2015/1502)."""

    LOW = 1
    SUBSTANTIAL = 2
    HIGH = 3


class Language(StrEnum):
    """Languages in which every text is complete. Finnish and Swedish are equal by law."""

    FI = "fi"
    SV = "sv"
    EN = "en"


class Role(StrEnum):
    """What a signed-in person may do here."""

    CITIZEN = "citizen"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class AuthorityRank(IntEnum):
    """How much a source may be believed about a fact."""

    INFERRED = 0
    SELF_ASSERTED = 1
    VERIFIED_DOCUMENT = 2
    AUTHORITY_COPY = 3
    AUTHORITATIVE_REGISTER = 4


class Necessity(StrEnum):
    """Whether a purpose can be fulfilled without the attribute."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class Label(StrEnum):
    """Marks that travel with a value wherever it goes."""

    PROTECTED = "protected"
    """Non-disclosure for personal safety (turvakielto)."""
    ARTICLE_9 = "art9"
    """Special category of personal data (GDPR article 9)."""
    DISPUTED = "disputed"
    """Somebody says that it is not so: the person herself, or another source of equal rank."""
    RESTRICTED = "restricted"
    """Processing restricted (GDPR article 18)."""
    JOINT = "joint"
    """About other people too, each of whom has a say in it."""

"""The terms of a purpose beside its notice: where data is kept, who else gets it, who may answer.

They stand in the declaration's JSON among its other members. What is left out is left out of the
digest too, so a declaration from before a term existed keeps the digest that people agreed to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from policies.ids import ClientId, OrganisationId

EEA = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI",
        "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU",
        "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip
"""Members of the European Union, Iceland, Liechtenstein and Norway: no third countries."""


class MinorRule(StrEnum):
    """How children may be asked (reference table of ages: Finnish Act 1050/2018, section 5)."""

    ADULTS_ONLY = "adults-only"
    INFORMATION_SOCIETY = "information-society-service"
    """From the age of the country on by themselves, before by a guardian (GDPR article 8)."""
    ADMINISTRATIVE = "administrative-matter"
    """A guardian, and from fifteen on the child as well (Act 434/2003, section 14)."""
    HEALTH = "health-by-maturity"
    """The professional's note decides (Act 785/1992)."""


class CoConsentRule(StrEnum):
    """Whether one of several guardians is enough."""

    ANY_ONE = "any-one"
    ALL = "all"


class Safeguard(StrEnum):
    """What protects data that goes to a third country (GDPR chapter V)."""

    ADEQUACY = "adequacy-decision"
    CLAUSES = "standard-clauses"
    BINDING_RULES = "binding-corporate-rules"
    EXPLICIT_CONSENT = "explicit-consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """That data goes to a third country."""

    country: str
    """ISO 3166-1 alpha-2."""
    safeguard: Safeguard

    def to_json(self) -> dict[str, object]:
        return {"country": self.country, "safeguard": self.safeguard.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeTerms:
    """Terms of a purpose; each may be left out, and then nothing is said of it."""

    clients: tuple[ClientId, ...] = ()
    """The programs that may ask; none named: every program of the organisation."""
    statute_refs: tuple[str, ...] = ()
    """The law for programs: a European Legislation Identifier or the number of an act."""
    retention_period: str | None = None
    """How long the recipient keeps the data, as a duration of ISO 8601."""
    storage_locations: tuple[str, ...] = ()
    """Countries, ISO 3166-1 alpha-2."""
    recipient_organisations: tuple[OrganisationId, ...] = ()
    """Organisations of the catalogue that get the data from the recipient."""
    transfers: tuple[Transfer, ...] = ()
    minor_rule: MinorRule | None = None
    co_consent_rule: CoConsentRule | None = None
    representation_themes: tuple[str, ...] = ()
    """For which matters a mandate must be, to answer in another's name."""
    dpia_ref: str | None = None
    """Where the impact assessment is kept (GDPR article 35)."""
    valid_from: date | None = None
    valid_to: date | None = None
    """The last day."""

    def holds_on(self, day: date) -> bool:
        """Whether the purpose may be asked for on that day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to)

    def is_for(self, client: ClientId) -> bool:
        return not self.clients or client in self.clients

    def to_json(self) -> dict[str, object]:
        """The members that say something."""
        members: dict[str, object] = {
            "clients": list(self.clients),
            "statute_refs": list(self.statute_refs),
            "retention_period": self.retention_period,
            "storage_locations": list(self.storage_locations),
            "recipient_organisations": list(self.recipient_organisations),
            "transfers": [each.to_json() for each in self.transfers],
            "minor_rule": None if self.minor_rule is None else self.minor_rule.value,
            "co_consent_rule": None if self.co_consent_rule is None else self.co_consent_rule.value,
            "representation_themes": list(self.representation_themes),
            "dpia_ref": self.dpia_ref,
            "valid_from": None if self.valid_from is None else self.valid_from.isoformat(),
            "valid_to": None if self.valid_to is None else self.valid_to.isoformat(),
        }
        return {name: value for name, value in members.items() if value not in (None, [])}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """The terms among the members of a declaration that conforms to its schema.

        Raises ValueError for a day that no calendar has.
        """
        minor, several = data.get("minor_rule"), data.get("co_consent_rule")
        return cls(
            clients=tuple(ClientId(each) for each in data.get("clients", ())),
            statute_refs=tuple(data.get("statute_refs", ())),
            retention_period=data.get("retention_period"),
            storage_locations=tuple(data.get("storage_locations", ())),
            recipient_organisations=tuple(
                OrganisationId(each) for each in data.get("recipient_organisations", ())
            ),
            transfers=tuple(
                Transfer(country=each["country"], safeguard=Safeguard(each["safeguard"]))
                for each in data.get("transfers", ())
            ),
            minor_rule=None if minor is None else MinorRule(minor),
            co_consent_rule=None if several is None else CoConsentRule(several),
            representation_themes=tuple(data.get("representation_themes", ())),
            dpia_ref=data.get("dpia_ref"),
            valid_from=_day(data.get("valid_from")),
            valid_to=_day(data.get("valid_to")),
        )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


NO_TERMS = PurposeTerms()
"""Nothing is said."""

"""What every form is made from: the receipt, and what the catalogue knows about it. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.receipt_content import ReceiptContent
from policies.catalogue import Catalogue
from policies.ids import AttributeId
from policies.processing import Keeper, ProcessingRegister
from policies.purpose_terms import PurposeTerms
from policies.vocabulary import Label

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A receipt to be written in another form."""

    content: ReceiptContent
    jws: str
    catalogue: Catalogue
    register: ProcessingRegister
    terms: PurposeTerms
    """Those of the declaration that was agreed to."""

    @property
    def storage_locations(self) -> tuple[str, ...]:
        """Countries in which the recipient keeps the data, as far as it has declared that."""
        keeper = self._keeper
        return self.terms.storage_locations or (() if keeper is None else keeper.storage_locations)

    @property
    def retention_period(self) -> str | None:
        """How long the recipient keeps the data, as a duration."""
        return self.terms.retention_period or self.register.purposes.get(self.content.purpose)

    @property
    def address(self) -> str:
        """Where the recipient is found: by post, else by its own page about the data."""
        keeper = self._keeper
        return str(self.content.party["party_url"]) if keeper is None else keeper.address

    @property
    def _keeper(self) -> Keeper | None:
        return self.register.organisations.get(self.content.organisation)

    @property
    def special(self) -> tuple[AttributeId, ...]:
        """What was given of special categories (GDPR article 9)."""
        return tuple(each for each in self.content.granted if self.is_special(each))

    def words(self, text: Mapping[str, str]) -> str:
        """The text in the language of the notice."""
        return text[self.content.language]

    def name(self, attribute: AttributeId) -> str:
        """The attribute's name; its id, where the catalogue has it no longer."""
        known = self.catalogue.attributes.get(attribute)
        return attribute if known is None else known.name.in_language(self.content.language)

    def category(self, attribute: AttributeId) -> str:
        """The attribute's category, a term of DPV."""
        known = self.catalogue.attributes.get(attribute)
        return "dpv:PersonalData" if known is None else known.dpv

    def is_special(self, attribute: AttributeId) -> bool:
        """Whether it is of a special category."""
        known = self.catalogue.attributes.get(attribute)
        return known is not None and Label.ARTICLE_9 in known.labels

    def is_sensitive(self, attribute: AttributeId) -> bool:
        """Whether pages mask it until it is asked for."""
        known = self.catalogue.attributes.get(attribute)
        return known is not None and known.sensitive

    @property
    def presentation_hash(self) -> str:
        """SHA-256 over what the record says of the presentation.

        That is a keyed digest, so that nobody can guess what was shown; standards have a place for
        a plain one only.
        """
        return hashlib.sha256(self.content.presentation_digest.encode()).hexdigest()


def urn(kind: str, name: str) -> str:
    """A name of ours where a standard wants an IRI."""
    return f"urn:consent-vault:{kind}:{name}"


def uuid_urn(value: object) -> str:
    """RFC 9562 section 4: a UUID as an IRI."""
    return f"urn:uuid:{value}"


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second or finer."""
    return moment.isoformat().replace("+00:00", "Z")

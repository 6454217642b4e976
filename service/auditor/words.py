"""Words of the auditor's pages for the codes that stand behind them."""

from collections.abc import Mapping
from dataclasses import dataclass

from audit.health import Damage
from audit.model import Kind
from audit.own_log import DamagedEntry
from audit.results import Result
from policies.ids import PurposeId
from policies.purposes import PurposeDeclaration
from policies.text import Text
from policies.vocabulary import Language, LegalBasis
from service.auditor.fields import Fault
from service.auditor.looking import Row
from service.auditor.reasons import AuditReason
from service.i18n import N_, texts
from service.runtime import Runtime
from service.words import Line, event_texts, line, reasons

GROUNDS: Mapping[LegalBasis, str] = {
    LegalBasis.CONSENT: N_("the person's consent"),
    LegalBasis.PERMISSION: N_("the person's permission to transfer"),
    LegalBasis.REQUEST: N_("the person's own request"),
    LegalBasis.STATUTE: N_("by law"),
    LegalBasis.CONTRACT: N_("the person's contract"),
    LegalBasis.VITAL: N_("danger to life or health"),
}
"""A ground as the auditor reads it: of somebody else, where the person's own page says "your"."""

_KINDS: Mapping[Kind, str] = {
    Kind.CONSENT_REQUESTED: N_("The person is asked for data"),
    Kind.CONSENT_GIVEN: N_("The person gave consent or permission"),
    Kind.CONSENT_REFUSED: N_("The person said no"),
    Kind.CONSENT_NARROWED: N_("The person narrowed the consent"),
    Kind.CONSENT_RENEWED: N_("The person renewed the consent"),
    Kind.CONSENT_WITHDRAWN: N_("The person withdrew consent or permission"),
    Kind.CODE_ISSUED: N_("The person's answer was passed on"),
    Kind.DATA_VIEWED: N_("The person viewed own data"),
    Kind.DATA_DISPUTED: N_("The person disputed a value"),
    Kind.DATA_EXPORTED: N_("A copy of the person's data was taken out"),
    Kind.EXPORT_IMPORTED: N_("The person's data was read in from a copy"),
    Kind.LOG_INSPECTED: N_("Auditor read entries about a person"),
}
"""What happened, where the texts of the log speak to the person."""

RESULTS: Mapping[Result, str] = {
    Result.RELEASED: N_("Data released"),
    Result.SHOWN: N_("Shown to the person"),
    Result.REFUSED: N_("Refused"),
    Result.DECLINED: N_("The person said no"),
    Result.DONE: N_("Done"),
}

FAULTS: Mapping[Fault, str] = {
    Fault.MISSING: N_("Say why you look."),
    Fault.TIME: N_("Give a day that exists."),
    Fault.CHOICE: N_("Choose one from the list."),
    Fault.FORM: N_("This is not in the right form."),
    Fault.RANGE: N_("Give a number that is possible here."),
    Fault.UNKNOWN: N_("This is no pseudonym of this service."),
}

DAMAGES: Mapping[Damage, str] = {
    Damage.ENTRY_MISSING: N_("The entry is missing."),
    Damage.EVENT_MISSING: N_("The event of the entry is missing."),
    Damage.EVENT_CHANGED: N_("The event was changed after it was written."),
    Damage.ENTRY_CHANGED: N_("The entry does not match its event."),
    Damage.TILE_CHANGED: N_("Stored hashes of the tree were changed or are missing."),
    Damage.ROOT_CHANGED: N_("From this entry on, the tree is not the one that was signed."),
    Damage.SIGNATURE: N_("The newest signature is not one of this log's keys."),
}

FIELDS: Mapping[str, str] = {
    "reason": N_("Why you look"),
    "case": N_("Case number"),
    "since": N_("From"),
    "until": N_("To"),
    "kind": N_("Kind"),
    "result": N_("Result"),
    "organisation": N_("Recipient"),
    "purpose": N_("Purpose"),
    "basis": N_("Ground"),
    "person": N_("Pseudonym"),
    "event": N_("Number of an event"),
    "before": N_("Page"),
    "seed": N_("Seed"),
    "count": N_("How many entries"),
    "start": N_("From entry number"),
    "log": N_("Name of the log"),
    "size": N_("Entries signed"),
}
"""The label of each field; a fault is told under the same name."""


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the table, in words."""

    row: Row
    line: Line | None
    """None for an entry that was changed: nothing in it can be believed."""
    name: str
    """What happened; empty where that cannot be known."""


def told(
    runtime: Runtime,
    purposes: Mapping[PurposeId, PurposeDeclaration],
    row: Row,
    language: Language,
) -> Told:
    if isinstance(row.entry, DamagedEntry):
        return Told(row, None, "")
    found = line(runtime.catalogue, purposes, row.entry, language)
    return Told(row, found, found.name if found.kind is None else kind_name(found.kind, language))


def kind_name(kind: Kind, language: Language) -> str:
    """What happened, in words about the person and not to her."""
    if kind in _KINDS:
        return texts(language).gettext(_KINDS[kind])
    return event_texts()[kind].name.in_language(language)


def reason_names() -> Mapping[AuditReason, Text]:
    """The reasons that may be chosen."""
    return {reason: reasons()[reason.value].name for reason in AuditReason}

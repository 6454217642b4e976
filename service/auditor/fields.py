"""Fields of an auditor's question, from a form or from JSON: each fault is told by its field."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from policies.canonical import canonical_json
from service.auditor.reasons import AuditReason, Stated, stated_case

T = TypeVar("T")


class Fault(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    TIME = "time"
    CHOICE = "choice"
    FORM = "form"
    RANGE = "range"
    UNKNOWN = "unknown"


class AuditQuestionError(ValueError):
    """A question that makes no sense; `faults` says which fields and how, never what they held."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__(", ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = dict(faults)


class Fields:
    """Fields as text, and what was found wrong with them while they were read."""

    def __init__(self, given: Mapping[str, str], names: Iterable[str]) -> None:
        self._given = {name: given.get(name, "").strip() for name in names}
        self.faults: dict[str, Fault] = {}

    def __getitem__(self, name: str) -> str:
        return self._given[name]

    def read(self, name: str, reader: Callable[[str], T | None], fault: Fault) -> T | None:
        """The field's value; None when it is empty, and when it is wrong, which is noted."""
        if not self[name]:
            return None
        try:
            value = reader(self[name])
        except ValueError:
            value = None
        if value is None:
            self.faults[name] = fault
        return value

    def stated(self) -> Stated:
        """The reason for the question, without which nothing is shown."""
        case = self.read("case", stated_case, Fault.FORM)
        reason = self.read("reason", AuditReason, Fault.CHOICE)
        if not self["reason"]:
            self.faults["reason"] = Fault.MISSING
        return Stated(reason or AuditReason.ROUTINE_CONTROL, case)

    def digest(self) -> str:
        """SHA-256 of the fields that are not empty, in canonical JSON (RFC 8785)."""
        named = {name: text for name, text in self._given.items() if text}
        return hashlib.sha256(canonical_json(named)).hexdigest()

    def check(self) -> None:
        """Raises AuditQuestionError when something was wrong."""
        if self.faults:
            raise AuditQuestionError(self.faults)

"""What a check of the doctor finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    found: str
    repair: str = ""
    """What mends the fault; empty when there is none."""

    @property
    def ok(self) -> bool:
        return not self.repair

"""An entry as programs get it: ids and codes, a pseudonym for the person, never a value."""

from typing import Any

from audit.own_log import DamagedEntry
from service.auditor.looking import Row
from service.auditor.shown import Shown


def entry_json(row: Row) -> dict[str, Any]:
    """The members of one entry; what the entry does not have is null. One that was changed
    says nothing but its place."""
    entry = row.entry
    place = {
        "event_id": str(entry.event_id),
        "log": entry.log,
        "index": entry.index,
        "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    if isinstance(entry, DamagedEntry):
        return {**place, "damaged": True}
    return {
        **place,
        "damaged": False,
        "kind": entry.kind,
        "result": row.result,
        "person": row.person,
        "organisation": entry.get("organisation"),
        "client": entry.get("client"),
        "purpose": entry.get("purpose"),
        "basis": entry.get("basis"),
        "consent": entry.get("consent"),
        "attributes": list(entry.many("attributes")),
        "reason": entry.get("reason"),
        "case": entry.get("case"),
        "policy": list(entry.many("policy")),
        "mandate": entry.get("mandate"),
        "on_behalf_of": entry.get("on_behalf_of"),
        "visible_from": entry.get("visible_from"),
        "shown": None if row.shown is None else shown_json(row.shown),
    }


def shown_json(shown: Shown) -> dict[str, Any]:
    """Which text the person saw, and whether it is the one that was registered."""
    return {
        "purpose": shown.purpose,
        "version": shown.version,
        "language": shown.language,
        "digest": f"sha256:{shown.digest}",
        "agrees": shown.agrees,
    }

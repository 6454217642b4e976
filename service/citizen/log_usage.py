"""A person's log in the shape of the Estonian Data Tracker (Andmejälgija, service v2.1.0).

Its `Usage` says when, what in words, which body and which information system. Who is not an
organisation of the catalogue acts within this service itself: the person, an auditor, a job. Then
the body is named by the service's own address.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.clients import client
from policies.ids import ClientId
from policies.vocabulary import Language
from service.citizen.log_json import utc
from service.citizen.own_log import Told
from service.runtime import Runtime
from service.words import Line

SYSTEM = "consent-vault"


def usages(
    runtime: Runtime, connection: Connection, lines: Sequence[Told], language: Language
) -> list[dict[str, Any]]:
    """A `Usage` for each line."""
    systems = _systems(connection, (each.line.client for each in lines))
    host = urlsplit(runtime.settings.base_url).netloc
    return [_usage(each.line, systems, host, language) for each in lines]


def _systems(connection: Connection, ids: Iterable[str | None]) -> dict[str, str]:
    """The names of the programs; one that is not there any more has its id for a name."""
    found = {each: client(connection, ClientId(each)) for each in set(ids) if each is not None}
    return {each: each if known is None else known.name for each, known in found.items()}


def _usage(line: Line, systems: Mapping[str, str], host: str, language: Language) -> dict[str, Any]:
    organisation = line.organisation
    usage = {
        "logtime": utc(line.at),
        "action": _action(line, language),
        "receiverCode": organisation.business_id if organisation else host,
        "receiverSystem": systems[line.client] if line.client else SYSTEM,
    }
    if organisation is not None:
        usage["receiverName"] = organisation.name.in_language(language)
    return usage


def _action(line: Line, language: Language) -> str:
    """What happened and what for, in words."""
    purpose = line.purpose.name.in_language(language) if line.purpose else ""
    return " ".join(each for each in (f"{line.name}{':' if purpose else '.'}", purpose) if each)

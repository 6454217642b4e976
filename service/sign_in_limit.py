"""Sign-ins that begin or fail before anybody is known: so many a minute from one network.

Each leaves an event, and who sends them has shown nothing yet. The network is the caller's IPv4
address or IPv6 /64, as uvicorn tells it (behind a proxy from `X-Forwarded-For`); it is kept in
memory for a minute and written nowhere.
"""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from service.oauth.server import AuthorizationServer
from service.refusal_limit import RETRY_AFTER, TOO_MANY, Written

_IPV6_NETWORK = 64


def admit(request: Request) -> None:
    """Raises HTTPException 429 when this network has had its share of the minute."""
    server: AuthorizationServer = request.app.state.server
    runtime = server.runtime
    written = server.sign_ins.note(_network(request), runtime.now())
    if written is Written.BY_ITSELF:
        return
    if written is Written.AS_FIRST_OF_MORE:
        with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
            uow.record(Event(kind=Kind.SIGN_IN_REFUSED, reason=TOO_MANY))
    server.counters.count("sign-in", "429")
    raise HTTPException(429, headers={"Retry-After": RETRY_AFTER})


def _network(request: Request) -> str:
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, _IPV6_NETWORK), strict=False))
    return host

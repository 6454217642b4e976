"""Form parameters, read strictly (RFC 6749 appendix B and section 3.2)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from service.exchange import Call
from service.oauth.errors import OAuthError, Reason

MAX_BYTES = 65_536
MAX_PARAMETERS = 50
_FORM = "application/x-www-form-urlencoded"


class Parameters:
    """The parameters of one request: each at most once, none empty."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def need(self, name: str) -> str:
        """The value. Raises OAuthError when the parameter is missing; the name must be ours."""
        value = self._values.get(name)
        if value is None:
            raise OAuthError(Reason.PARAMETER_MISSING, name)
        return value


def form(call: Call) -> Parameters:
    """The parameters in the body. Raises OAuthError."""
    if len(call.body) > MAX_BYTES:
        raise OAuthError(Reason.BODY_TOO_LARGE)
    media_types = call.values(b"content-type")
    if len(media_types) != 1 or media_types[0].partition(";")[0].strip().lower() != _FORM:
        raise OAuthError(Reason.NOT_A_FORM)
    return parse(call.body)


def parse(data: bytes) -> Parameters:
    """Parameters without a value count as omitted (RFC 6749 section 3.1). Raises OAuthError."""
    try:
        pairs = parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise OAuthError(Reason.NOT_A_FORM) from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise OAuthError(Reason.PARAMETER_REPEATED)
    return Parameters({name: value for name, value in values.items() if value})

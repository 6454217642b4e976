"""Data answers signed, and encrypted where the client has a key for it (`consent.answer_seal`).

The signed statement is a JWT of type `personal-data+jwt` with `iss`, `aud`, `iat`, the event as
`jti`, and the plain answer as `data`: so a recipient can prove later what it was given, and hand
the proof on. Encrypted, it is a JWE whose content is that JWT (RFC 7519 section 5.2), which no
proxy on the way can read.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from joserfc import jwe
from joserfc.jwk import ECKey

from consent.answer_seal import CONTENT_ENCRYPTION, KEY_AGREEMENT, AnswerSeal
from consent.receipts import ReceiptSigner
from policies.ids import ClientId
from service.api.values import EVENT_HEADER
from service.exchange import Answer

TYPE = "personal-data+jwt"
MEDIA_TYPE = b"application/jwt"
_REGISTRY = jwe.JWERegistry(algorithms=[KEY_AGREEMENT, CONTENT_ENCRYPTION])


def wanted(registered: AnswerSeal | None, accepted: list[str]) -> AnswerSeal | None:
    """What the client registered; or signed, where it asks for that in this one request."""
    if registered is None and any("application/jwt" in each.lower() for each in accepted):
        return AnswerSeal()
    return registered


def sealed(
    made: Answer, seal: AnswerSeal, signer: ReceiptSigner, *, client: ClientId, now: datetime
) -> Answer:
    """The answer as the client wants it; its status and its other headers stay."""
    events = [value.decode() for name, value in made.headers if name == EVENT_HEADER]
    claims: dict[str, object] = {
        "iss": signer.issuer,
        "aud": client,
        "iat": int(now.timestamp()),
        "jti": events[0],
        "data": orjson.loads(made.body),
    }
    token = signer.sign(claims, kind=TYPE)
    if seal.encryption_key is not None:
        token = _encrypted(token, seal.encryption_key)
    headers = [each for each in made.headers if each[0] != b"content-type"]
    return Answer(made.status, token.encode(), [(b"content-type", MEDIA_TYPE), *headers])


def _encrypted(token: str, key: Mapping[str, Any]) -> str:
    header = {"alg": KEY_AGREEMENT, "enc": CONTENT_ENCRYPTION, "cty": "JWT", "kid": key["kid"]}
    public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
    return jwe.encrypt_compact(header, token.encode(), public, registry=_REGISTRY)

"""The JWS registry of this room: the algorithms that are named, `EdDSA` among them.

Most providers still write `EdDSA` (RFC 8037). RFC 9864 deprecates the name because it leaves the
curve open, and joserfc warns at each use; here keys of other curves than Ed25519 are dropped
before, so the warning has no object.
"""

from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

_EDDSA = "EdDSA"


class SignatureRegistry(JWSRegistry):
    """Nothing but the given algorithms."""

    def __init__(self, algorithms: list[str]) -> None:
        super().__init__(algorithms=algorithms)
        self._named = frozenset(algorithms)

    def get_alg(self, name: str) -> JWSAlgModel:
        if name == _EDDSA and name in self._named:
            return self.algorithms[name]
        return super().get_alg(name)

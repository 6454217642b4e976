"""What must be known to sign people in at one OpenID provider. All of it is configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from joserfc.jwk import ECKey, RSAKey

from connectors.client_keys import SigningKey
from connectors.levels import ACR_LEVELS
from policies.vocabulary import LevelOfAssurance


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """One registration at one provider (OpenID Connect Discovery 1.0, RFC 7591 names).

    The client authenticates with `private_key_jwt` by its `signing_key`, or with
    `client_secret_basic` where a provider offers nothing better: exactly one of the two.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    signing_key: SigningKey | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    decryption_key: ECKey | RSAKey | None = field(default=None, repr=False)
    """Set when the provider encrypts ID tokens to us, as the Finnish trust network does."""
    acr_levels: Mapping[str, LevelOfAssurance] = field(default_factory=lambda: ACR_LEVELS)
    """The provider's words for how it identifies people; any other word is refused."""
    accept_artificial: bool = False
    """Accept identity codes 900-999, which belong to nobody: in a demo or a test, never else."""
    leeway: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(seconds=5)
    """For each part of a call; a whole answer may take three times this."""
    largest_answer: int = 262_144
    metadata_lifetime: timedelta = timedelta(hours=1)
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.signing_key is None) == (self.client_secret is None):
            raise ValueError("give either a signing key or a client secret")

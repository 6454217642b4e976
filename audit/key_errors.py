"""What can be wrong with whoever holds the key-encryption keys, whichever room meets it.

Every error says why and what repairs it. None holds a key, a wrapped key or a context.
"""


class KeyProviderError(Exception):
    """A provider of key-encryption keys that cannot do what it is asked."""

    def __init__(self, reason: str, *, repair: str) -> None:
        super().__init__(f"{reason}; repair: {repair}")
        self.reason = reason
        self.repair = repair


class KeysUnavailableError(KeyProviderError):
    """The token or the service that holds the keys does not answer, or does not let us in."""

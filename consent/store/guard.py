"""The error of a guarded update that met another state than the one that was read."""


class ConsentChangedError(RuntimeError):
    """The row was not as it had been read: somebody else changed it in between."""

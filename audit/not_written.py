"""What a unit of work ends with when the database refuses its events."""


class EventNotWrittenError(RuntimeError):
    """The database refused an event or its key; what it would have explained must not happen."""

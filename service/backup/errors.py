"""What can stand in the way of a backup or a restore, each with its repair."""


class BackupError(RuntimeError):
    """Nothing was done; `repair` says what helps."""

    def __init__(self, reason: str, repair: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.repair = repair


class DamagedBackupError(BackupError):
    """The file is not a backup of ours, or not whole, or not as it was written."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "take another copy of the file, or an older backup")

"""Backups of the database: made whole, sealed, read again, and restored without bringing back
what has ended since."""

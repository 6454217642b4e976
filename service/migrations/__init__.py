"""Migrations of the database, all rooms together; the one place that sees every room's tables."""

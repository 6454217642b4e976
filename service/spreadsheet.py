"""What a spreadsheet makes of a table (RFC 4180), and what has to be done about it."""

BYTE_ORDER_MARK = "\ufeff"
"""Stands at the beginning: without it spreadsheets read UTF-8 as something else."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str) -> str:
    """The text as a spreadsheet takes it for a text.

    What would be a formula gets an apostrophe in front (OWASP, "CSV Injection").
    """
    return f"'{text}" if text.startswith(_FORMULA) else text

"""Receipts in the forms of other standards: each says as much as its standard has words for."""

"""Invented people and artificial documents in the genuine shapes, for demo and tests."""

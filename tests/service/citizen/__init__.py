"""Tests of the citizen's pages."""

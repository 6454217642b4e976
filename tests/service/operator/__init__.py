"""Tests of the operator's pages and API."""

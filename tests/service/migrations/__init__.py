"""Tests of service.migrations."""

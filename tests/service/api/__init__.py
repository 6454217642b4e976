"""Tests of the service's api."""

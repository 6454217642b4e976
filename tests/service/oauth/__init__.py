"""Tests of the service's oauth."""

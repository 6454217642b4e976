"""Providers of key-encryption keys, one module each."""

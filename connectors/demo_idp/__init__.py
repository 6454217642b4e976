"""The demo's own identity provider: a small OpenID provider for invented people."""

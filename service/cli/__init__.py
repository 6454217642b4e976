"""The command line: `consent-vault`."""

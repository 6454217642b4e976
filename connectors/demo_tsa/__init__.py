"""A time-stamping authority for the demo and the tests: small, real, and trusted by nobody else."""

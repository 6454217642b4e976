"""What happened: the append-only log, its proofs, and the unit of work for all writing."""

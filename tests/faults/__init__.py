"""What must hold when things go wrong: killed processes, races, failing statements, canaries."""

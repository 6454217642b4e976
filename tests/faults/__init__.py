"""What must hold when things go wrong at the worst moment: kills, races, failing writes."""

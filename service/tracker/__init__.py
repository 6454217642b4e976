"""The Estonian Data Tracker protocol, for a signed-in person about herself."""

"""The Estonian Data Tracker protocol."""

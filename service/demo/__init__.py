"""The demo: everything in one folder and one process, with invented people and agencies."""

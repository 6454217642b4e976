"""A small witness of other logs: a program of its own, with keys and a state of its own."""

"""The vocabulary, the catalogue and the rules: what may be asked, as data and pure functions."""

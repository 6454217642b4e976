"""One look at everything that has to be right, each fault with its repair."""

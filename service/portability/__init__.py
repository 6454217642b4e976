"""A person's copy of everything: out of this installation, and into another one."""

"""The commands, a file per kind of work."""

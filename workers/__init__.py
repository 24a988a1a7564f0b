"""The edge that time drives: jobs, clock, wiring, command line."""

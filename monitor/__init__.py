"""Listening: intake, understanding, triage."""

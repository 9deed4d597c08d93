"""Runs that take long, each a command with a seed: what docs/reliability.md tells of them was found by these."""

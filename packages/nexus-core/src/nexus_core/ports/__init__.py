"""Ports: what the core asks of the world, in the domain's words."""

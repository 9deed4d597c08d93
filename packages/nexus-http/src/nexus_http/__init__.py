"""Nexus over HTTP: a Falcon application made from a `Nexus`, and the command that serves it."""

"""The command `nexus`: everything Project Nexus does, from a terminal. It speaks REST, always."""

__version__ = "0.1.0"

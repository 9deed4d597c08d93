"""Stand-ins for the services of others, on this machine: they check what we send as those services would."""

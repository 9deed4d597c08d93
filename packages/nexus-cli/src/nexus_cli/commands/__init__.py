"""The commands, one module a command or a small group; imported when one is called (see table.py)."""

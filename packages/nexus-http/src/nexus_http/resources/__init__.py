"""The resources of the API, one module a noun; loaded when a request first needs them (see routes.py)."""

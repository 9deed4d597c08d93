"""The domain: frozen values and pure functions. No clock, no I/O, no logging."""

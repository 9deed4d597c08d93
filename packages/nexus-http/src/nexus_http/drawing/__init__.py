"""The dependency graph as a picture that people would rather look at than read. Pure functions, no dependency."""

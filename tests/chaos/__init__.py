"""Everything happens to a hub at once, and what was sent is reconciled with what is there."""

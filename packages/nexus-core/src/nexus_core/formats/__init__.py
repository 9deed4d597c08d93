"""Task files: pure functions from bytes to parsed tasks and back."""

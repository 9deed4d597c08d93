"""Services: one use case a method, one transaction a method. They know ports, never engines."""

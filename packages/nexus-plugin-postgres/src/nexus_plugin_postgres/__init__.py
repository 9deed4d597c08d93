"""PostgreSQL storage for Nexus: the engine, its migrations, and the record that yields it."""

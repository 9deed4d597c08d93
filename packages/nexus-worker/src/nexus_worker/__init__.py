"""The worker of Nexus: runs jobs, told of them by a broker or asking the store."""

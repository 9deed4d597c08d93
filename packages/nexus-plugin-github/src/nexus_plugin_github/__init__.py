"""GitHub for Project Nexus: webhooks in, pull requests and files out."""

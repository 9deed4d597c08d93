"""Launches command agents for Project Nexus, each in a git worktree of its own."""

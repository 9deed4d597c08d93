"""Slack for Project Nexus: slash commands and buttons in, messages out."""

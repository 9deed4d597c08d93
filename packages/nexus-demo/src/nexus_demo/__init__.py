"""The main job of Project Nexus, performed for real on one machine."""

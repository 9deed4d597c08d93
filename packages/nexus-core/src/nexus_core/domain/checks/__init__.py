"""The checks of live tasks, by what they look at."""

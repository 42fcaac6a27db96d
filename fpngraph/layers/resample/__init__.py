"""Modules that take a map to another size, one family a file; called with the map and the size, (height, width)."""

"""Writers of a scene that draw each of its shapes."""

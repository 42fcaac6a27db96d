"""Plain torch modules that operators build. They know no graph; each gets its numbers when it is made."""

"""Writers of what a diagram says, for readers that lay it out by themselves or that have only characters."""

"""A page in the browser that shows a graph while its file is written, served to this machine alone."""

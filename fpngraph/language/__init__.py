"""From the text of a graph file to its nodes. Nothing here knows torch."""

"""Model files of Ultralytics: the rows between backbone and head as a graph, and what they call its weights."""

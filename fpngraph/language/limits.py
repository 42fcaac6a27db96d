"""How much a graph file may say: any file is read, or refused with its place, within about a second and 200 MB."""

MAX_BYTES = 4 * 2**20
"""Of a file; one of as many values as it can have has about 1 MiB."""
MAX_DEPTH = 40
"""Lists and mappings within each other, aliases followed."""
MAX_VALUES = 40_000
"""Keys and values of a file, each alias counted as all that it stands for."""
MAX_DIGITS = 18
"""Of an integer."""
MAX_PROBLEMS = 100
"""A phase ends with this many."""
MAX_LENGTH = 500
"""Characters of a reference or an expression, which may be worked out for each of many members."""
MAX_NESTING = 50
"""Parentheses within each other in an expression."""
MAX_INTEGER = 10**9
"""The largest absolute value of an integer in an expression, written or worked out."""
MAX_CHARACTERS = 200_000
"""Of all expressions in ``$(...)``, counted for each member that they are worked out for."""
MAX_STEPS = 100_000
"""Operands and operators of all indices, counted for each member that they are worked out for."""
MAX_LEVEL = 30
MAX_NODES = 10_000
"""All runs counted; as many inputs of the graph."""
MAX_EDGES = 50_000
"""Inputs of nodes and outputs of stages, all runs counted."""
MAX_RUNS = 10_000
"""Of one stage."""
MAX_INPUTS = 1000
"""Entries of a node's ``inputs``; a range among them can stand for more."""
MAX_USES = 100
"""Of other graphs, those within used graphs counted."""
MAX_USED_DEPTH = 4
"""Of graphs that use each other."""
MAX_NODES_READ = (MAX_USED_DEPTH + 1) * MAX_NODES
"""Nodes of a used graph counted in every graph that it is part of."""

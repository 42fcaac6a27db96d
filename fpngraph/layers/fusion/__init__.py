"""Modules that join maps of one size, one family a file. Each reads an iterable of maps once, in order, one at a time.

A result is accumulated in place in a tensor of its own, so that a map can be freed as soon as it is read and no map is
ever written to. Fusing one map without a weight gives that map itself.
"""

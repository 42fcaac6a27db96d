"""Where detectors of other libraries begin: one file per library, each imported by whoever has that library."""

from fpngraph.adapters.host import HostError

__all__ = ["HostError"]

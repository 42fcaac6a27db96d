"""Configurations of other libraries as graph files, each with a table of what the library calls the weights."""

from fpngraph.importers.libraries import (
    from_detectron2,
    from_effdet,
    from_mmdet,
    from_transformers,
    from_ultralytics,
)
from fpngraph.importers.shipped import Imported

__all__ = ["Imported", "from_detectron2", "from_effdet", "from_mmdet", "from_transformers", "from_ultralytics"]

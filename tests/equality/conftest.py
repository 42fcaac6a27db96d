"""effdet, imported before the tests that compare with it."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    import effdet  # noqa: F401  # for its warnings only

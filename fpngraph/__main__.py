"""``python -m fpngraph``: the command line."""

import sys

from fpngraph.cli import main

sys.exit(main())

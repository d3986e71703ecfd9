"""`python -m seviz`: see seviz.cli."""

import sys

from seviz.cli import main

sys.exit(main())

"""`python -m seviz`: see seviz.cli; as a job of a page, see seviz.jobs."""

import sys

from seviz import jobs
from seviz.cli import main

sys.exit(jobs.run(main))

"""A list of trainings that differ in a few settings, each with every seed, and the table of what came out.

    plan.py    the TOML file: trainings by name, their settings, the seeds
    runs.py    one training with one seed: how far it is, and whether what lies in its folder is it
    table.py   what finished trainings measured, over seeds and against a baseline, as rows, JSON and Markdown
"""

from seviz.sweep.plan import Plan, Variation, as_settings, read_plan
from seviz.sweep.runs import Run, Standing, require_same_pictures, standing
from seviz.sweep.table import Row, Sweep, tabulate

__all__ = [
    "Plan",
    "Row",
    "Run",
    "Standing",
    "Sweep",
    "Variation",
    "as_settings",
    "read_plan",
    "require_same_pictures",
    "standing",
    "tabulate",
]

"""Are maps faithful? Deletion and insertion of pixels, infidelity, max-sensitivity, and networks that have forgotten.

    found = Check(network, fresh, x, target, Setting()).run(("gradcam",), ...)      one picture
    found = measure(ask, data, path, Sampling(...))                                 a sample of pictures

    answer.py    what is asked of a map and what was found
    draws.py     random numbers
    network.py   a network behind pieces of work
    pixels.py    deletion and insertion of pixels
    metrics.py   Captum's infidelity and max-sensitivity
    redraw.py    networks redrawn stage by stage
    check.py     everything that is asked of the maps of one picture
    state.py     the file from which a killed run goes on
    record.py    faithfulness.json
    job.py       measure: the whole of a sample
"""

from seviz.faithfulness.answer import Checked, Order, Redrawn, Setting
from seviz.faithfulness.check import Check
from seviz.faithfulness.job import Sampling, measure, require_methods
from seviz.faithfulness.network import Network
from seviz.faithfulness.record import (
    FAITHFULNESS_FILE,
    Faithfulness,
    Method,
    faithfulness_command,
    load_faithfulness,
    save_faithfulness,
)

__all__ = [
    "FAITHFULNESS_FILE",
    "Check",
    "Checked",
    "Faithfulness",
    "Method",
    "Network",
    "Order",
    "Redrawn",
    "Sampling",
    "Setting",
    "faithfulness_command",
    "load_faithfulness",
    "measure",
    "require_methods",
    "save_faithfulness",
]

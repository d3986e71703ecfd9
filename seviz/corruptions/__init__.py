"""How a network does on corrupted pictures, and what its gates do meanwhile: do they adapt, or break?

    found = measure(net, data, preprocessing, path, Setting(...))
    found.condition("noise", 0.16).held.difference, found.findings

    kinds.py     a picture corrupted
    passes.py    two passes over the pictures: the clean ones, then all corruptions with three kinds of gates
    state.py     the file from which a killed measurement goes on
    record.py    corruptions.json
    job.py       measure: the whole of it
"""

from seviz.corruptions.job import Setting, measure, require_corruptible
from seviz.corruptions.kinds import corrupted
from seviz.corruptions.record import (
    CORRUPTIONS_FILE,
    Corruptions,
    corruptions_command,
    load_corruptions,
    save_corruptions,
)

__all__ = [
    "CORRUPTIONS_FILE",
    "Corruptions",
    "Setting",
    "corrupted",
    "corruptions_command",
    "load_corruptions",
    "measure",
    "require_corruptible",
    "save_corruptions",
]

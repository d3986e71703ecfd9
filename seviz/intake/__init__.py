"""Checkpoints that somebody brings: a file of unknown weights -> a checkpoint folder like any other.

    opening.py     opened without trust: no links, no pipes, a size cap; what it is by its first bytes; its sha256
    header.py      safetensors: the header against the file, before a tensor is read
    limited.py     our side of the process that reads what torch.save wrote
    child.py       that process, with limits on memory, time and disk: the only place with torch.load
    layouts.py     the dictionaries around the weights, unwrapped (there)
    prefixes.py    `module.`, `_orig_mod.`, the attribute of a Lightning module
    proposals.py   a network that the tensors may be of
    families.py    ResNets and SE-ResNets of public code, by names and shapes
    libraries.py   timm and torchvision, by signature
    compare.py     expected against found, tensor by tensor
    recognise.py   all of these tried until one fits
    report.py      what a file holds, before anything is loaded
    guesses.py     class names and preprocessing, given or guessed and said to be
    importing.py   the folder and its card
    sources.py     where the app takes files from: uploads, and a folder that the owner allows

Nothing of a file reaches this process but a safetensors file whose header was checked, and words that are cut to a length.
"""

from seviz.intake.compare import MATCHED, MISMATCHED, MISSING, UNEXPECTED, Comparison, Row
from seviz.intake.guesses import Meaning, Settings, meaning
from seviz.intake.importing import Imported, import_file, is_file, names_in, open_or_import, settings_of
from seviz.intake.report import Report, Taken, examine, taken_in

__all__ = [
    "MATCHED",
    "MISMATCHED",
    "MISSING",
    "UNEXPECTED",
    "Comparison",
    "Imported",
    "Meaning",
    "Report",
    "Row",
    "Settings",
    "Taken",
    "examine",
    "import_file",
    "is_file",
    "meaning",
    "names_in",
    "open_or_import",
    "settings_of",
    "taken_in",
]

"""The gates of a network over a data set: per-class moments of every gate, mergeable, and gates by sample.

    found = excitation_of(net, data, preprocessing, indexes)     statistics of a part of the data
    whole = merge(found, another)                                of both parts, where their keys agree

    records.py    what is known: frozen, plain numpy
    moments.py    sums, histograms and extremes, a batch at a time
    passes.py     a network over pictures: (network, data, indexes) -> moments
    merging.py    two parts of one data set -> one
    samples.py    which samples keep their gates; projections.py: those in two dimensions
    job.py        excite: the whole pass to its files, resumable bit for bit
    state.py      the file from which a killed pass goes on
    store.py      excitation.npz and gates.npz; checks.py: what is refused when they are read;
                  ownership.py: whether they are of the network beside them
"""

from seviz.excitation.job import PARTIAL, Excited, alone, excite
from seviz.excitation.merging import merge
from seviz.excitation.ownership import require_own, require_pair
from seviz.excitation.passes import excitation_of, key_of
from seviz.excitation.records import (
    BINS,
    EXTREMES,
    Excitation,
    ExcitationKey,
    Extremes,
    Projection,
    SampleGates,
    SiteStatistics,
)
from seviz.excitation.state import STATE_FILE, require_no_state
from seviz.excitation.store import (
    EXCITATION_FILE,
    GATES_FILE,
    excite_command,
    load_excitation,
    load_gates,
    save_excitation,
    save_gates,
)

__all__ = [
    "BINS",
    "EXCITATION_FILE",
    "EXTREMES",
    "GATES_FILE",
    "PARTIAL",
    "STATE_FILE",
    "Excitation",
    "ExcitationKey",
    "Excited",
    "Extremes",
    "Projection",
    "SampleGates",
    "SiteStatistics",
    "alone",
    "excitation_of",
    "excite",
    "excite_command",
    "key_of",
    "load_excitation",
    "load_gates",
    "merge",
    "require_no_state",
    "require_own",
    "require_pair",
    "save_excitation",
    "save_gates",
]

"""Find, record and edit the gates of a network, and lend taps to whoever needs a layer's output.

    sites = find_gates(net)                         # of seviz.nets
    sites = find_gates(net, example)                # anybody's module; example: pictures (B, 3, H, W)
    with record_gates(net) as recording:            # recording.gates["layer3.2.se"]: (B, C)
        net(x)
    with edit_gates(net, {"layer3.2.se": 1.0}):     # this gate is 1 for every channel
        net(x)
    with edit_gates(net, "s3~x0.5"):                # gates of stage 3 halved: an edit of seviz.edits, text or values
        net(x)

    sites.py       a gate, where it is caught, and what is recorded of it
    scopes.py      who listens where, for whom: hooks and function modes
    products.py    multiplications as torch names them
    trace.py       one forward pass, traced
    finding.py     gates among the multiplications of a trace
    branch.py      the branch of a gate: what made it, which modules it passes, what it was given
    places.py      stage and block from module paths
    proving.py     recorded gate x map, edits that change nothing, neutral edits, the network left as it was
    points.py      where the gates of a network are known to be
    looking.py     find_gates, survey
    recording.py   record_gates
    editing.py     edit_gates
    taps.py        outputs of layers, gates for gradients, maps before they are scaled

This is the only room with hooks and function modes.
"""

from seviz.gates.editing import GateValue, edit_gates
from seviz.gates.looking import Survey, find_gates, gates_seen_at, survey
from seviz.gates.recording import record_gates
from seviz.gates.sites import Recording, Site, by_channel
from seviz.gates.taps import tap, tap_gates, tap_inputs

__all__ = [
    "GateValue",
    "Recording",
    "Site",
    "Survey",
    "by_channel",
    "edit_gates",
    "find_gates",
    "gates_seen_at",
    "record_gates",
    "survey",
    "tap",
    "tap_gates",
    "tap_inputs",
]

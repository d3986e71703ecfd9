"""Edits of gates, as values: what an edit says, its text in a link, its JSON, and what it does to a network's gates.

    values.py    Edit, and its three parts: where, what the gate becomes, which channels
    text.py      the text of a link, such as "s3~1!layer1.0.se~x0.5~top4.gate", and back
    plain.py     JSON values, and back
    means.py     the mean gates that an edit may ask for
    words.py     edits in words
    switch.py    edits made one after the other (needs torch, as resolve.py; not imported here)
    resolve.py   edits against the sites of a network: functions of the live gate (torch; not imported here)
"""

from seviz.edits.means import Means
from seviz.edits.plain import from_json, to_json
from seviz.edits.text import from_text, to_text
from seviz.edits.values import (
    ALL,
    Channels,
    Clamped,
    ClassMean,
    Constant,
    DataMean,
    Edit,
    EveryChannel,
    OtherPicture,
    RandomChannels,
    Ranked,
    Scaled,
    Shuffled,
    Vector,
    Where,
    checked_edits,
)

__all__ = [
    "ALL",
    "Channels",
    "Clamped",
    "ClassMean",
    "Constant",
    "DataMean",
    "Edit",
    "EveryChannel",
    "Means",
    "OtherPicture",
    "RandomChannels",
    "Ranked",
    "Scaled",
    "Shuffled",
    "Vector",
    "Where",
    "checked_edits",
    "from_json",
    "from_text",
    "to_json",
    "to_text",
]

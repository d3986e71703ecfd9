"""The inference backend: a network on its device, one owner thread a model, micro-batches, plain answers.

    messages.py   what goes in and comes out
    arguments.py  what callers hand to a model, taken or refused
    prepare.py    a network made ready to answer
    looks.py      what a request's edits are for its own pictures
    engine.py     one network answering one batch
    owner.py      the thread and the queue before the engine
    pictures.py   pictures as callers have them
    model.py      a loaded model: the door
    latency.py    how long a pass takes
"""

from seviz.backend.latency import Latency, latency
from seviz.backend.messages import Answer, BlockWeights, Inspection, Map, Prediction, Provenance, Request
from seviz.backend.model import Model, load
from seviz.backend.pictures import as_pixels, read_picture

__all__ = [
    "Answer",
    "BlockWeights",
    "Inspection",
    "Latency",
    "Map",
    "Model",
    "Prediction",
    "Provenance",
    "Request",
    "as_pixels",
    "latency",
    "load",
    "read_picture",
]

"""Checkpoint folders: saved, listed, verified and loaded.

    checkpoints/<name>/
        model.safetensors   the weights; without it the folder is a run that is shown with its figures, as the seeds are
                            that ship as card, history and evaluation (their card says so)
        card.json           what the network is (seviz.card), with the sha256 of the weights
        history.csv         an epoch a row (seviz.history)
        evaluation.npz      logits of every test picture (seviz.evaluation)
        excitation.npz      statistics of every gate over a data set; gates.npz: gates by sample (seviz.excitation)
        epochs.npz          mean gates after each epoch of the training (seviz.gate_history)
        ablation.json       what edits of its gates cost (seviz.ablation)
        pruning.json        what dropping its channels costs (seviz.pruning)
        corruptions.json    how it does on corrupted pictures (seviz.corruptions)
        faithfulness.json   whether its maps say what it looks at (seviz.faithfulness)

Weights whose sha256 is not their card's are refused, and so is a card that is not what its own card_sha256 says (see
seviz.card). Nothing is built or read before the sizes fit. A damaged folder is one sentence, and the others still work.

    checkpoint.py   one folder: weights, history and what was measured
    places.py       where folders lie, and what is typed for them
    saving.py       a folder written
    stripping.py    a folder written without the weights
    folders.py      all folders: found, opened
"""

from seviz.card import Card, DataUse, Metric
from seviz.checkpoints.checkpoint import CARD_FILE, EVALUATION_FILE, STATE_FILE, WEIGHTS_FILE, Checkpoint
from seviz.checkpoints.folders import Entry, find_checkpoints, open_checkpoint
from seviz.checkpoints.places import checkpoints_home, imported_folder, networks_home, typed_name
from seviz.checkpoints.saving import save_checkpoint, write_card
from seviz.checkpoints.stripping import strip_checkpoint
from seviz.gate_life import GateLife
from seviz.history import Epoch
from seviz.machine import hardware, versions
from seviz.origins import Origin
from seviz.weights import weights_of

__all__ = [
    "CARD_FILE",
    "EVALUATION_FILE",
    "STATE_FILE",
    "WEIGHTS_FILE",
    "Card",
    "Checkpoint",
    "DataUse",
    "Entry",
    "Epoch",
    "GateLife",
    "Metric",
    "Origin",
    "checkpoints_home",
    "find_checkpoints",
    "hardware",
    "imported_folder",
    "networks_home",
    "open_checkpoint",
    "save_checkpoint",
    "strip_checkpoint",
    "typed_name",
    "versions",
    "weights_of",
    "write_card",
]

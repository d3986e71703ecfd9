"""Networks without some of their channels, chosen by mean gate, by magnitude or by chance, and what that costs.

kept = kept_channels(scores_of(net, "gate", excitation), 0.3)
small = prune(net, kept)
found = measure(net, data, preprocessing, path, Setting(...))
found.level("gate", 0.3).difference, found.findings

branches.py  what can be pruned
choice.py    which channels stay: the same share of every branch
scores.py    by what channels are ranked
surgery.py   prune: the network without them
plan.py      which networks are measured
state.py     the file from which a killed measurement goes on
record.py    pruning.json
job.py       measure: the whole of it
made.py      the card of a pruned network
"""

from seviz.pruning.branches import Branch, branches_of
from seviz.pruning.choice import CRITERIA, kept_channels
from seviz.pruning.job import Setting, measure
from seviz.pruning.made import Cut, card_of_pruned
from seviz.pruning.plan import criteria_of, plan_of, scores_of
from seviz.pruning.record import PRUNING_FILE, Pruning, load_pruning, prune_command, save_pruning
from seviz.pruning.surgery import prune

__all__ = [
    "CRITERIA",
    "PRUNING_FILE",
    "Branch",
    "Cut",
    "Pruning",
    "Setting",
    "branches_of",
    "card_of_pruned",
    "criteria_of",
    "kept_channels",
    "load_pruning",
    "measure",
    "plan_of",
    "prune",
    "prune_command",
    "save_pruning",
    "scores_of",
]

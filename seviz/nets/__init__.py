"""Networks: the SE block, ResNet and SE-ResNet, and what they cost.

    se.py       the SE block
    resnet.py   ResNet and SE-ResNet, in every shape
    names.py    `se_resnet20` -> a network, and back from a card
    cost.py     parameters and multiply-adds
"""

from seviz.nets.cost import Cost, cost
from seviz.nets.names import build, from_card, options_for, to_card
from seviz.nets.resnet import ResNet, ResNetOptions, SEOptions
from seviz.nets.se import SqueezeExcite, hidden_width

__all__ = [
    "Cost",
    "ResNet",
    "ResNetOptions",
    "SEOptions",
    "SqueezeExcite",
    "build",
    "cost",
    "from_card",
    "hidden_width",
    "options_for",
    "to_card",
]

"""Networks: the SE block, ResNet and SE-ResNet, and what they cost.

    se.py         the SE block
    resnet.py     ResNet and SE-ResNet, in every shape
    names.py      `se_resnet20` -> a network, and back from a card
    library.py    networks of timm and torchvision, from a card
    placement.py  where SE blocks stand in a network that was made without them
    insert.py     SE blocks into such a network; whoever wants it imports it, as torchvision comes with it
    gated.py      torchvision's units with an SE block in them
    cifar.py      small networks of other people's CIFAR code
    inputs.py     what pictures those of the libraries take
    cost.py       parameters and multiply-adds
"""

from seviz.nets.cost import Cost, cost
from seviz.nets.inputs import UsualInput, usual_input
from seviz.nets.library import LIBRARIES, from_library, load_tensors
from seviz.nets.names import build, card_options, from_card, has_se, options_for, to_card
from seviz.nets.placement import SEPlacement
from seviz.nets.resnet import ResNet, ResNetOptions, SEOptions
from seviz.nets.se import SqueezeExcite, hidden_width

__all__ = [
    "LIBRARIES",
    "Cost",
    "ResNet",
    "ResNetOptions",
    "SEOptions",
    "SEPlacement",
    "SqueezeExcite",
    "UsualInput",
    "build",
    "card_options",
    "cost",
    "from_card",
    "from_library",
    "has_se",
    "hidden_width",
    "load_tensors",
    "options_for",
    "to_card",
    "usual_input",
]

"""What a card says, in words for people: the same on Models, in `seviz models NAME` and in reports.

Plain text, nothing of a page. What a card does not know is left out.

    network.py    what the network is, in a sentence and in facts, and what it cannot do
    measured.py   how often it is right, and what its gates are worth
    making.py     its data and its recipe, and how to make it again
"""

from seviz.card_words.making import Making, data, data_sentence, machine, making, recipe, recipe_sentence, seal_words
from seviz.card_words.measured import Figures, accuracy_words, figures, figures_of, gates_worth, points, sites, still_words
from seviz.card_words.network import in_a_sentence, input_words, kind, limits, network

__all__ = [
    "Figures",
    "Making",
    "accuracy_words",
    "data",
    "data_sentence",
    "figures",
    "figures_of",
    "gates_worth",
    "in_a_sentence",
    "input_words",
    "kind",
    "limits",
    "machine",
    "making",
    "network",
    "points",
    "recipe",
    "recipe_sentence",
    "seal_words",
    "sites",
    "still_words",
]

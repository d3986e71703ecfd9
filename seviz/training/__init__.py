"""Training: from a network, a data set and a recipe to a finished checkpoint.

    recipe.py    Recipe, the learning rate of a step, which parameters decay
    augment.py   crops, flips and Cutout of whole batches
    corrupting.py  noise, blur, less contrast and other light in some of their pictures
    first_weights.py  first weights that the recipe asks for
    loop.py      the loop
    epoch_gates.py  mean gates by class after each epoch
    state.py     what a training goes on from
    start.py     what a training takes from a checkpoint that it begins with
    fitting.py   whether pictures of a size fit a network
    finish.py    evaluation, gate life and the card after the last epoch
"""

from seviz.training.augment import EpochPlan, alternating_flips, augment, draw_boxes, hide, plan_epoch, resized_crops
from seviz.training.corrupting import KNOWN, SEEN, plan_corruption
from seviz.training.finish import Finish, finish_training
from seviz.training.first_weights import set_first_weights
from seviz.training.fitting import require_pass
from seviz.training.loop import Trainer, loss_and_accuracy, naming_the_cause, train_epochs
from seviz.training.recipe import Recipe, learning_rate, parameter_groups
from seviz.training.start import Start, begin_from, require_twin
from seviz.training.state import Job, RunState

__all__ = [
    "KNOWN",
    "SEEN",
    "EpochPlan",
    "Finish",
    "Job",
    "Recipe",
    "RunState",
    "Start",
    "Trainer",
    "alternating_flips",
    "augment",
    "begin_from",
    "draw_boxes",
    "finish_training",
    "hide",
    "learning_rate",
    "loss_and_accuracy",
    "naming_the_cause",
    "parameter_groups",
    "plan_corruption",
    "plan_epoch",
    "require_pass",
    "require_twin",
    "resized_crops",
    "set_first_weights",
    "train_epochs",
]

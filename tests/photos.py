"""A pair of networks for photographs under the names of the shipped ones: 50 classes, 64 x 64 pixels, random weights."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from networks import lively
from test_checkpoints import card_of

from seviz.checkpoints import save_checkpoint
from seviz.images import Preprocessing

SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"
PAIR, PHOTOS = ("se_resnet20", "resnet20"), ("se_resnet18_photos", "resnet18_photos")
NAMES = (
    "african_elephant alp american_alligator arabian_camel backpack banana barn bee brown_bear bullet_train bullfrog candle "
    "chimpanzee computer_keyboard espresso fountain german_shepherd go_kart golden_retriever goldfish gondola goose hog "
    "ice_cream jellyfish king_penguin koala ladybug lesser_panda lion monarch mushroom orange pizza police_van refrigerator "
    "rocking_chair sandal school_bus seashore sports_car sunglasses suspension_bridge tabby tarantula teapot teddy tractor "
    "umbrella yorkshire_terrier"
)
CLASSES = tuple(NAMES.split())


def home_with(folder: Path, *, photos: bool, classes: tuple[str, ...] = CLASSES) -> Path:
    """A home of checkpoints with links to the pair of depth 20; with `photos`, the other pair beside it."""
    folder.mkdir()
    for name in PAIR:
        os.symlink(SHIPPED / name, folder / name)
    for seed, name in enumerate(PHOTOS if photos else ()):
        arch = name.replace("photos", "64")
        net = lively(arch, seed=seed, classes=len(classes), reduction=16)
        seen = Preprocessing(64, 64, mean=(0.48, 0.45, 0.4), std=(0.27, 0.26, 0.28))
        card = replace(card_of(net, name), classes=classes, preprocessing=seen, gate_life=None)
        save_checkpoint(folder / name, net, card)
    return folder

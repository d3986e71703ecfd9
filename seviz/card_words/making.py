"""How a network came to be: its data, its recipe, and the one command that makes it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seviz.card import Card

MEANINGS = {  # of the fields of a recipe; a field that is not among them stands by its name alone
    "epochs": "passes over the training pictures",
    "batch": "pictures a step",
    "peak_lr": "highest learning rate",
    "momentum": "of SGD (Nesterov)",
    "weight_decay": "of convolutions and the classifier, not of biases and batch norms; of SE layers only with se decay",
    "se_lr": "times the learning rate, in the SE layers",
    "label_smoothing": "share of the target that goes to all classes alike",
    "warmup": "share of the steps in which the learning rate rises; then half a cosine down to 0",
    "ema": "decay a step of the moving average of the weights, which is kept",
    "pad": "pixels by which pictures are shifted at most",
    "flip": "mirrored in every other epoch",
    "precision": "of the products while training",
    "seed": "of all chance",
    "crop": "how pictures are cut: shifted, or a random box scaled",
    "least_area": "smallest share of the picture that a random box holds",
    "crop_size": "pixels a side of the random box; 0: as the pictures",
    "alternate": "every picture is mirrored in every other epoch, not in random ones",
    "cutout": "pixels a side of a square that is hidden in every picture",
    "corrupt": "share of the pictures that get noise, a blur, less contrast or other light",
    "small_side": "pixels a side of the pictures in the first epochs; 0: never smaller",
    "small_share": "of the epochs, in which they are smaller",
    "whiten": "the first convolution begins with whitening filters",
    "se_decay": "weight decay on the SE layers as well",
    "se_init": "first weights of the SE layers: He's, as in the paper, or torch's",
    "se_bias": "added to the SE layers' last biases at first: gates begin near its sigmoid",
}
OF_RESIZED = ("least_area", "crop_size")  # of no meaning for pictures that are only shifted, as pad has none for the others


@dataclass(frozen=True)
class Making:
    """command: the one that makes a network again, as typed. needs, took: a sentence each, or ""."""

    command: str
    needs: str
    took: str


def data_sentence(card: Card) -> str:
    """The data in a line: its name, how many pictures, and what has to be known of them."""
    use = card.data
    counts = f", {use.train.count:,} pictures to train on and {use.test.count:,} to test on" if use.train.count else ""
    return f"{use.name}{counts}. {use.note}".strip()


def data(card: Card) -> dict[str, str]:
    """What the network was trained and tested on, name -> text."""
    use = card.data
    facts = {"data": " ".join(part for part in (f"{use.name}.", use.note) if part)}
    if use.train.count:
        facts["trained on"] = f"{use.train.count:,} pictures ({use.train.split})"
    if use.test.count:
        facts["tested on"] = f"{use.test.count:,} pictures ({use.test.split})"
    return facts


def recipe(card: Card) -> dict[str, list[str]]:
    """Every setting of its training: columns "setting", "value" and "meaning"; empty where it is not known."""
    idle = ("pad",) if card.recipe.get("crop") == "resized" else OF_RESIZED
    shown = [name for name in card.recipe if name not in idle]
    return {
        "setting": [name.replace("_", " ") for name in shown],
        "value": [_value(card.recipe[name]) for name in shown],
        "meaning": [MEANINGS.get(name, "") for name in shown],
    }


def recipe_sentence(card: Card) -> str:
    """The recipe in words, from what of it is known; "" where nothing is."""
    found = card.recipe
    factor = _said(found, "se_lr", " ({} times that in the SE layers)", 1) if card.is_se else ""
    shifted = _said(found, "pad", "pictures shifted by up to {} pixels", 0)
    parts = (
        f"{card.epochs} epochs of SGD" if card.epochs else "",
        _said(found, "batch", "in batches of {}"),
        _said(found, "peak_lr", "with a learning rate of up to {}") + factor,
        _said(found, "label_smoothing", "label smoothing {}", 0),
        "random boxes of each picture" if found.get("crop") == "resized" else shifted,
        _mirrored(found),
        _said(found, "cutout", "a square of {} pixels hidden in each", 0),
        _said(found, "corrupt", "{} of the pictures with noise, a blur, less contrast or other light", 0),
        _said(found, "small_side", "pictures of {} pixels a side at first", 0),
    )
    kept = " The moving average of the weights is kept." if found.get("ema") else ""
    return f"{', '.join(part for part in parts if part)}; seed {card.seed}.{kept}" if found and card.epochs else ""


def making(card: Card) -> Making | None:
    """How to make it again: trained, cut out of another network, fetched or brought. None where the card has no command."""
    if card.pruned:
        return Making(card.pruned.command, f"It needs the network {card.pruned.source}.", "")
    if card.origin:
        command = card.commands.get("fetch") or card.commands.get("import")
        needs = "It downloads the file once." if "fetch" in card.commands else f"It needs the file {card.origin.name}."
        return Making(command, needs, "") if command else None
    command = card.commands.get("train")
    return Making(command, _needs(card), _took(card)) if command else None


def machine(card: Card) -> dict[str, str]:
    """Where it was made and what vouches for it, name -> text."""
    facts = {}
    if card.origin:
        facts["file"] = f"{card.origin.address}, {card.origin.bytes / 1e6:.1f} MB, sha256 {card.origin.sha256}"
    elif card.hardware:
        facts["hardware"] = _listed(card.hardware)
    if card.versions:
        facts["versions"] = _listed(card.versions)
    facts["licence of the weights"] = card.licence.rstrip(".")
    if card.weights_sha256:
        facts["sha256 of the weights"] = card.weights_sha256
    return facts


def seal_words(card: Card) -> str:
    """What has to be known of a card that was edited by hand; "" for one that is sealed."""
    return "" if card.sealed else "Its card has no card_sha256: whether it was edited cannot be told."


def _said(found: Mapping[str, object], name: str, words: str, silent: float | None = None) -> str:
    """The words with the value in them; "" where it is not known, or `silent`: the value that does nothing."""
    value = found.get(name)
    return "" if value is None or value == silent else words.format(_value(value))


def _mirrored(found: Mapping[str, object]) -> str:
    if found.get("flip") is not True:
        return ""
    return "a random half mirrored in every epoch" if found.get("alternate") is False else "mirrored in every other epoch"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _needs(card: Card) -> str:
    name, train, test = card.data.name, card.data.train, card.data.test
    counts = f"{train.count:,} pictures to train on and {test.count:,} to test on"
    if not name.startswith("folder:"):
        return f"It needs the data {name}: {counts}."
    made = " `python -m seviz data cifar10-jpeg --out DIR` makes it from CIFAR-10." if name == "folder:cifar10-jpeg" else ""
    return f"It needs the data, {counts}: where `{name}` stands, write `folder:` and the place of yours.{made}"


def _took(card: Card) -> str:
    if not card.seconds:
        return ""
    hardware = card.hardware
    device = hardware.get("accelerator") or hardware.get("processor")
    threads = hardware.get("threads")
    used = f" ({threads} thread{'' if threads == 1 else 's'})" if threads and not hardware.get("accelerator") else ""
    return f"Its {card.epochs} epochs took {_duration(card.seconds)}{f' on {device}{used}' if device else ''}."


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.0f} seconds"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())

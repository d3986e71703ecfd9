"""Edits in words, for people: "stage 3 · block 1, channels 3, 5 → 0.25"."""

from __future__ import annotations

from collections.abc import Mapping

from seviz.edits.values import (
    Becomes,
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
    Touched,
    Vector,
    Where,
)

NAMED = 4  # channels that are named one by one


def in_words(edit: Edit, titles: Mapping[str, str]) -> str:
    """What an edit does. titles: site path -> what people call it; a path that is not there goes by itself."""
    where = _where(edit.where, titles)
    if isinstance(edit.channels, EveryChannel):
        return f"{where}: {becomes(edit.gate)}"
    value = f"{edit.gate.value:g}" if isinstance(edit.gate, Constant) else becomes(edit.gate)
    return f"{where}, {_channels(edit.channels)} → {value}"


def becomes(gate: Becomes) -> str:
    """What a gate becomes."""
    match gate:
        case Constant(value):
            return {1.0: "off (1)", 0.0: "shut (0)"}.get(value, f"{value:g}")
        case DataMean():
            return "static (mean)"
        case ClassMean(label):
            return f"mean of {label}"
        case OtherPicture(picture):
            return f"gates of {picture}"
        case Shuffled():
            return "shuffled over pictures"
        case Vector():
            return "given numbers"
        case Scaled(factor):
            return f"times {factor:g}"
        case Clamped(low, high):
            return f"kept in {low:g} to {high:g}"


def _where(where: Where, titles: Mapping[str, str]) -> str:
    if where.path is not None:
        return titles.get(where.path, where.path)
    if where.stage is None:
        return "all blocks"
    return f"stage {where.stage}" + (f" · block {where.block}" if where.block is not None else "")


def _channels(channels: Touched) -> str:
    match channels:
        case Channels((only,)):
            return f"channel {only}"
        case Channels(indexes):
            return f"channels {', '.join(map(str, indexes))}" if len(indexes) <= NAMED else f"{len(indexes)} channels"
        case Ranked(k, by, bottom, label):
            aim = f" for {label}" if label is not None else ""
            return f"{'bottom' if bottom else 'top'} {k} by {'|gate x gradient|' if by == 'gradient' else by}{aim}"
        case RandomChannels(k, _):
            return f"{k} channels at random"
    return "all channels"

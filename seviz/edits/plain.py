"""Edits as JSON values: a list with an object an edit, whose parts name their kind and their fields.

    [{"where": "s3", "gate": {"kind": "clamped", "low": 0.2, "high": 0.8}, "channels": {"kind": "ranked", "k": 8, ...}}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from seviz.edits.text import where_from, where_text
from seviz.edits.values import (
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
    Vector,
    checked_edits,
    shorten,
)
from seviz.errors import RequestError

_GATES = {kind.kind: kind for kind in (Constant, DataMean, ClassMean, OtherPicture, Shuffled, Vector, Scaled, Clamped)}
_CHANNELS = {kind.kind: kind for kind in (EveryChannel, Channels, Ranked, RandomChannels)}


def to_json(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Edits as values that json.dumps takes; channels are left out where all are touched."""
    return [_plain(edit) for edit in checked_edits(edits)]


def from_json(values: object) -> tuple[Edit, ...]:
    """The edits that to_json wrote. Raises RequestError, in one sentence that names the part, for anything else."""
    if not isinstance(values, list):
        raise RequestError(f"Edits are a list of objects, not {shorten(values)}.")
    return checked_edits([_edit(value, number) for number, value in enumerate(values, 1)])


def _plain(edit: Edit) -> dict[str, Any]:
    made: dict[str, Any] = {"where": where_text(edit.where), "gate": {"kind": edit.gate.kind, **asdict(edit.gate)}}
    if not isinstance(edit.channels, EveryChannel):
        made["channels"] = {"kind": edit.channels.kind, **asdict(edit.channels)}
    return made


def _edit(value: object, number: int) -> Edit:
    if not isinstance(value, dict) or not {"where", "gate"} <= value.keys() <= {"where", "gate", "channels"}:
        raise RequestError(f"Edit {number} is no object of where, gate and, perhaps, channels: {shorten(value)}.")
    if not isinstance(value["where"], str):
        raise RequestError(f"The sites of edit {number} are a text such as s3, not {shorten(value['where'])}.")
    gate = _made(value["gate"], _GATES, f"gate of edit {number}")
    channels = _made(value.get("channels", {"kind": "every"}), _CHANNELS, f"channels of edit {number}")
    return Edit(where_from(value["where"]), gate, channels)


def _made(value: object, kinds: Mapping[str, Any], part: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or value["kind"] not in kinds:
        raise RequestError(f"The {part} cannot be read: its kind is one of {', '.join(kinds)}, not {shorten(value)}.")
    fields = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items() if name != "kind"}
    try:
        return kinds[value["kind"]](**fields)
    except TypeError as error:
        raise RequestError(f"The {part} cannot be read: {shorten(value)} has other fields than it needs.") from error
    except RequestError as error:
        raise RequestError(f"The {part} cannot be read: {error}") from error

"""Edits as the text of a link: short, readable, and exact on the way there and back.

    edits     edit!edit!...            in their order; "" for none
    edit      where~gate or where~gate~channels
    where     all | s3 | s3b2 | layer3.2.se      (a path that looks like one of the others has a dot before it)
    gate      1 | mean | class.dog | from.cat/0001 | shuffle.0 | v.BASE64 | x0.5 | in0.2_0.8
    channels  c3.17 | top8.gate | bottom8.gradient | top8.gradient.dog | random8.0

A vector is its float32 numbers, little-endian, in URL-safe base64 without padding. Names are percent-encoded.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from urllib.parse import quote, unquote

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
    checked_edits,
    require_few,
    shorten,
)
from seviz.errors import RequestError

MAX_TEXT = 100_000  # characters; a vector of 2,048 channels has 11,000
NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e-?[0-9]{1,3})?"
SHORT = re.compile(r"all|s([0-9]{1,9})(?:b([0-9]{1,9}))?")


def to_text(edits: Sequence[Edit]) -> str:
    """The text of edits. Raises RequestError for what is no edit."""
    return "!".join(_edit_text(edit) for edit in checked_edits(edits))


def from_text(text: str) -> tuple[Edit, ...]:
    """The edits that a text says. Raises RequestError, in one sentence that names the part, where it cannot be read."""
    if len(text) > MAX_TEXT:
        raise RequestError(f"Edits of {len(text):,} characters are too long; {MAX_TEXT:,} is the limit.")
    require_few(text.count("!") + 1)  # before they are read
    return checked_edits([_edit(part) for part in text.split("!")]) if text else ()


def where_text(where: Where) -> str:
    """The text of the sites that an edit names."""
    if where.path is not None:
        path = _quoted(where.path)
        return f".{path}" if SHORT.fullmatch(path) or path.startswith(".") else path
    if where.stage is None:
        return "all"
    return f"s{where.stage}" + (f"b{where.block}" if where.block is not None else "")


def where_from(text: str) -> Where:
    """The sites that a text names; what is none of the short forms is a path. Raises RequestError for an empty text."""
    short = SHORT.fullmatch(text)
    if short is None:
        return Where(path=unquote(text.removeprefix(".")))
    stage, block = short.groups()
    return Where(int(stage) if stage else None, int(block) if block else None)


def _edit_text(edit: Edit) -> str:
    parts = [where_text(edit.where), _gate_text(edit.gate)]
    if not isinstance(edit.channels, EveryChannel):
        parts.append(_channels_text(edit.channels))
    return "~".join(parts)


def _gate_text(gate: Becomes) -> str:
    match gate:
        case Constant(value):
            return _number_text(value)
        case DataMean():
            return "mean"
        case ClassMean(label):
            return f"class.{_quoted(label)}"
        case OtherPicture(picture):
            return f"from.{_quoted(picture)}"
        case Shuffled(seed):
            return f"shuffle.{seed}"
        case Vector(values):
            content = struct.pack(f"<{len(values)}f", *values)
            return "v." + base64.urlsafe_b64encode(content).decode().rstrip("=")
        case Scaled(factor):
            return f"x{_number_text(factor)}"
        case Clamped(low, high):
            return f"in{_number_text(low)}_{_number_text(high)}"


def _channels_text(channels: Channels | Ranked | RandomChannels) -> str:
    match channels:
        case Channels(indexes):
            return "c" + ".".join(str(index) for index in indexes)
        case Ranked(k, by, bottom, label):
            return f"{'bottom' if bottom else 'top'}{k}.{by}" + (f".{_quoted(label)}" if label is not None else "")
        case RandomChannels(k, seed):
            return f"random{k}.{seed}"


def _edit(text: str) -> Edit:
    parts = text.split("~")
    if not 2 <= len(parts) <= 3:
        raise _unreadable(text, "it is not sites~gate or sites~gate~channels")
    try:
        return Edit(where_from(parts[0]), _gate(parts[1]), _channels(parts[2]) if len(parts) == 3 else EveryChannel())
    except (RequestError, ValueError) as error:
        raise _unreadable(text, str(error).rstrip(".")) from error


def _gate(text: str) -> Becomes:
    head, dot, tail = text.partition(".")
    if re.fullmatch(NUMBER, text):
        return Constant(float(text))
    if text == "mean":
        return DataMean()
    if dot and head == "class":
        return ClassMean(unquote(tail))
    if dot and head == "from":
        return OtherPicture(unquote(tail))
    if found := re.fullmatch(r"shuffle\.([0-9]{1,9})", text):
        return Shuffled(int(found[1]))
    if dot and head == "v":
        return Vector(_unpacked(tail))
    if found := re.fullmatch(f"x({NUMBER})", text):
        return Scaled(float(found[1]))
    if found := re.fullmatch(f"in({NUMBER})_({NUMBER})", text):
        return Clamped(float(found[1]), float(found[2]))
    raise ValueError(f"{shorten(text)} is nothing that a gate can become")


def _channels(text: str) -> Touched:
    if found := re.fullmatch(r"c([0-9]{1,9}(?:\.[0-9]{1,9})*)", text):
        return Channels(tuple(int(index) for index in found[1].split(".")))
    if found := re.fullmatch(r"(top|bottom)([0-9]{1,9})\.([a-z]+)(?:\.(.+))?", text):
        label = unquote(found[4]) if found[4] else None
        return Ranked(int(found[2]), found[3], found[1] == "bottom", label)
    if found := re.fullmatch(r"random([0-9]{1,9})\.([0-9]{1,9})", text):
        return RandomChannels(int(found[1]), int(found[2]))
    raise ValueError(f"{shorten(text)} names no channels")


def _unpacked(text: str) -> tuple[float, ...]:
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return struct.unpack(f"<{len(content) // 4}f", content)
    except (binascii.Error, struct.error, ValueError) as error:
        raise ValueError(f"{shorten('v.' + text)} is no vector of float32 numbers") from error


def _number_text(value: float) -> str:
    return repr(value).removesuffix(".0")


def _quoted(name: str) -> str:
    # "~" is left alone by quote, and separates here
    return quote(name, safe="/").replace("~", "%7E")


def _unreadable(text: str, reason: str) -> RequestError:
    return RequestError(f"The edit {shorten(text)} cannot be read: {reason[:1].lower()}{reason[1:]}.")

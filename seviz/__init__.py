"""seviz shows what Squeeze-and-Excitation networks attend to, channel by channel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seviz.version import __version__

if TYPE_CHECKING:
    from seviz.backend import load
    from seviz.gates import edit_gates, find_gates, record_gates
    from seviz.nets.insert import insert_se

__all__ = ["__version__", "edit_gates", "find_gates", "insert_se", "load", "record_gates"]

_HOMES = {"load": "seviz.backend", "find_gates": "seviz.gates", "record_gates": "seviz.gates", "edit_gates": "seviz.gates"}
_HOMES |= {"insert_se": "seviz.nets.insert"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seviz' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

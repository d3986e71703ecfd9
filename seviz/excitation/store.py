"""excitation.npz and gates.npz: written atomically, read without pickle, each with a sha256 over its own arrays.

    excitation.npz    key, count, covered; per site PATH/gate_sum, PATH/gate_squares, ... as SiteStatistics names them
    gates.npz         key, ids, labels, predicted, complete; gates and squeezes of all sites side by side; per site
                      PATH/rows, PATH/pca, PATH/explained, PATH/tsne

Half-precision numbers lie as two planes of bytes, the high bytes of all numbers and then the low ones: what is alike
stands together, and the archive is smaller.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seviz.data import DataKey
from seviz.errors import CheckpointError
from seviz.excitation.checks import check_excitation, check_samples
from seviz.excitation.moments import Arrays
from seviz.excitation.records import Excitation, ExcitationKey, Extremes, Projection, SampleGates, SiteStatistics
from seviz.excitation.samples import by_site
from seviz.files import read_npz, write_npz
from seviz.gates import Site
from seviz.images import Preprocessing

EXCITATION_FILE = "excitation.npz"
GATES_FILE = "gates.npz"
T = TypeVar("T")


def save_excitation(path: Path, found: Excitation) -> None:
    """Write excitation.npz: the same statistics give the same bytes."""
    arrays: Arrays = {"key": key_array(found.key), "count": found.count, "covered": np.array(found.covered).reshape(-1, 2)}
    for site, statistics in found.sites.items():
        for field in fields(statistics):
            value = getattr(statistics, field.name)
            if isinstance(value, Extremes):
                arrays[f"{site}/{field.name}_values"], arrays[f"{site}/{field.name}_samples"] = value.values, value.samples
            elif value is not None:
                arrays[f"{site}/{field.name}"] = value
    write_npz(path, sealed(arrays))


def load_excitation(path: Path) -> Excitation:
    """Read excitation.npz. Raises CheckpointError where it is missing or damaged."""
    return _load(path, lambda arrays: check_excitation(_excitation(arrays)))


def save_gates(path: Path, found: SampleGates) -> None:
    """Write gates.npz: the same samples give the same bytes."""
    arrays: Arrays = {
        "key": key_array(found.key),
        "ids": np.array(found.ids),
        "labels": found.labels,
        "predicted": found.predicted,
        "complete": np.array(found.complete),
        "gates": planes(np.concatenate(list(found.gates.values()), axis=1)),
        "squeezes": planes(np.concatenate(list(found.squeezes.values()), axis=1)),
    }
    for site, projection in found.projections.items():
        arrays |= {f"{site}/{field.name}": getattr(projection, field.name) for field in fields(projection)}
    write_npz(path, sealed(arrays))


def load_gates(path: Path) -> SampleGates:
    """Read gates.npz. Raises CheckpointError where it is missing or damaged."""
    return _load(path, lambda arrays: check_samples(_samples(arrays)))


def excite_command(path: Path) -> str:
    """The command that writes the files of a checkpoint's folder, where `path` lies; D stands for the data set."""
    folder = Path(os.path.abspath(path)).parent
    return shlex.join(["python", "-m", "seviz", "excite", "--model", str(folder), "--data", "D"])


def key_array(key: ExcitationKey) -> NDArray[Any]:
    """The key as a JSON string in an array."""
    return np.array(json.dumps(asdict(key), ensure_ascii=False))


def key_from(array: NDArray[Any]) -> ExcitationKey:
    """The inverse of key_array. Raises ValueError, KeyError or TypeError for anything else."""
    found = json.loads(str(array))
    seen = found["preprocessing"]
    preprocessing = Preprocessing(**{**seen, "mean": tuple(seen["mean"]), "std": tuple(seen["std"])})
    sites = tuple(Site(**site) for site in found["sites"])
    return ExcitationKey(found["weights_sha256"], sites, tuple(found["classes"]), preprocessing, DataKey(**found["data"]))


def sealed(arrays: Arrays) -> Arrays:
    """The arrays with "sha256" over all of them."""
    return {**arrays, "sha256": np.array(_digest(arrays))}


def opened(path: Path) -> Arrays:
    """The arrays of a sealed npz. Raises whatever numpy raises for a damaged file, and ValueError for an altered one."""
    arrays = read_npz(path)
    if str(arrays.pop("sha256")) != _digest(arrays):
        raise ValueError("it was altered")
    return arrays


def planes(values: NDArray[np.float16]) -> NDArray[np.uint8]:
    """float16 (M, C) as uint8 (2, C, M): high bytes first, a channel's samples beside each other."""
    bits = np.ascontiguousarray(values.T).view(np.uint16)
    return np.stack([bits >> 8, bits & 0xFF]).astype(np.uint8)


def from_planes(split: NDArray[np.uint8]) -> NDArray[np.float16]:
    """The inverse of planes. Raises ValueError for another shape or type."""
    if split.dtype != np.uint8 or split.ndim != 3 or len(split) != 2:
        raise ValueError("no planes of bytes")
    bits = (split[0].astype(np.uint16) << 8) | split[1]
    return np.ascontiguousarray(bits.T).view(np.float16)


def _load(path: Path, read: Callable[[Arrays], T]) -> T:
    again = f"write it again with `{excite_command(path)}`"
    try:
        return read(opened(path))
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no {path}; `{excite_command(path)}` writes it.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or 'damaged'}); remove it, then {again}.") from error
    except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
        raise CheckpointError(f"{path} is damaged; {again}.") from error


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Hex sha256 over names, types, shapes and bytes, in the order of the names."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name])
        found.update(f"{name}\t{value.dtype.str}\t{arrays[name].shape}\n".encode())
        found.update(value.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _excitation(arrays: Arrays) -> Excitation:
    key = key_from(arrays["key"])
    covered = tuple((int(start), int(stop)) for start, stop in arrays["covered"])
    return Excitation(key, arrays["count"], {site.path: _site(arrays, site.path) for site in key.sites}, covered)


def _site(arrays: Arrays, path: str) -> SiteStatistics:
    found: dict[str, Any] = {}
    for field in fields(SiteStatistics):
        name = f"{path}/{field.name}"
        if field.name in ("lowest", "highest"):
            found[field.name] = Extremes(arrays[f"{name}_values"], arrays[f"{name}_samples"])
        else:
            found[field.name] = arrays.get(name) if field.name == "class_histogram" else arrays[name]
    return SiteStatistics(**found)


def _samples(arrays: Arrays) -> SampleGates:
    key = key_from(arrays["key"])
    projections = {
        site.path: Projection(**{field.name: arrays[f"{site.path}/{field.name}"] for field in fields(Projection)})
        for site in key.sites
        if f"{site.path}/rows" in arrays
    }
    return SampleGates(
        key,
        tuple(str(name) for name in arrays["ids"].tolist()),
        arrays["labels"],
        arrays["predicted"],
        by_site(key, from_planes(arrays["gates"])),
        by_site(key, from_planes(arrays["squeezes"])),
        bool(arrays["complete"]),
        projections,
    )

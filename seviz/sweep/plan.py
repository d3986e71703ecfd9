"""The file of a sweep: which trainings with which seeds, every name and type checked as it is read.

    baseline = "plain"            # what the others are compared with, training by training of one seed
    corruptions = 1000            # test pictures on which each is measured corrupted as well; none where it is not given

    [common]                      # settings of `seviz train`, with _ for -
    arch = "se_resnet20"
    data = "cifar10"
    epochs = 12
    seeds = [0, 1]

    [[training]]                  # its own settings take the place of the common ones
    name = "plain"
    arch = "resnet20"

    [[training]]
    name = "r = 8"
    reduction = 8
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from seviz.card import MAX_SIDE, MAX_WIDTH
from seviz.errors import TrainingError
from seviz.files import read_file
from seviz.nets.placement import POSITIONS
from seviz.nets.se import SQUEEZES
from seviz.training import Recipe
from seviz.training.finish import OPTION_NAMES
from seviz.values import MOST, quoted, real, whole

MAX_FILE = 2**20  # bytes
MAX_NAME = 60  # characters
KEPT = ("--out", "--device", "--threads", "--help")  # options that a sweep has as well
PARTS = ("baseline", "corruptions", "common", "training")


@dataclass(frozen=True)
class Kind:
    """What a setting has to be, in words, and whether a value is."""

    words: str
    fits: Callable[[object], bool]


@dataclass(frozen=True)
class Variation:
    """One [[training]]. settings: option of `seviz train`, as argparse names it -> value; the common ones among them."""

    name: str
    settings: Mapping[str, Any]

    @property
    def slug(self) -> str:
        """The name as part of a folder's: "r = 8" -> "r-8"."""
        return re.sub(r"[^\w.+]+", "-", self.name.lower()).strip("-.")


@dataclass(frozen=True)
class Plan:
    """A sweep as its file says: every variation is trained with every seed. baseline: the name of one, None for none.
    corruptions: test pictures on which each training is measured corrupted as well; 0: none."""

    file: Path
    variations: tuple[Variation, ...]
    seeds: tuple[int, ...]
    baseline: str | None
    corruptions: int = 0

    def complain(self, name: str, sentence: str) -> TrainingError:
        """What is wrong with a training, said with the file and its name; options of the command line become settings."""
        return TrainingError(f"{self.file}, training {name!r}: {as_settings(sentence)}")


def read_plan(file: Path, data: str | None = None) -> Plan:
    """The plan of a TOML file. data: takes the place of the file's.

    Raises TrainingError, in one sentence, for a file that is no such TOML, an unknown setting or one of the wrong type, names
    or seeds that are there twice, and where there is no training. What the values mean is for the training to judge.
    """
    content = _content(file)
    strange = [name for name in content if name not in PARTS]
    if strange:
        raise TrainingError(f"{file}: there is no {strange[0]!r} in a sweep; it has {', '.join(PARTS)}.")
    tables = _tables(file, content)
    common = dict(content.get("common", {}))
    seeds = _seeds(file, common.pop("seeds", [0]))
    shared = _settings(f"{file}, [common]", common)
    given = {"data": data} if data else {}
    names = _names(file, tables)
    variations = []
    for name, table in zip(names, tables, strict=True):
        own = {setting: value for setting, value in table.items() if setting != "name"}
        variations.append(Variation(name, {**shared, **_settings(f"{file}, training {name!r}", own), **given}))
    _require_folders(file, variations)
    baseline, corruptions = _baseline(file, content.get("baseline"), names), _corruptions(file, content.get("corruptions", 0))
    return Plan(file, tuple(variations), seeds, baseline, corruptions)


def as_settings(sentence: str) -> str:
    """A sentence on options of the command line as one on settings: "--weight-decay is ..." -> "weight_decay is ...".

    Commands in backticks stay as they are typed.
    """

    def in_file(found: re.Match[str]) -> str:
        return found[0] if found[0] in KEPT else _setting(found[0])

    pieces = re.split(r"(`[^`]*`)", sentence)
    return "".join(piece if piece.startswith("`") else re.sub(r"--[a-z][a-z-]*", in_file, piece) for piece in pieces)


def _setting(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _kinds() -> dict[str, tuple[str, Kind]]:
    """Setting -> option of `seviz train` as argparse names it, and what it has to be."""
    text = Kind("text in quotes", lambda value: isinstance(value, str))
    by_type = {
        "int": Kind("a whole number", lambda value: _is(whole, value, -MOST)),
        "float": Kind("a number", lambda value: _is(real, value)),
        "bool": Kind("true or false", lambda value: isinstance(value, bool)),
        "str": text,
    }
    recipe = {_setting(OPTION_NAMES.get(one.name, one.name)): (one.name, by_type[str(one.type)]) for one in fields(Recipe)}
    del recipe["seed"]
    network = {
        "reduction": _from_one(10**9),
        "position": _one_of(POSITIONS),
        "where": Kind("a list of stages, such as [2, 3]", _is_stages),
        "squeeze": _one_of(SQUEEZES),
        "min_hidden": _from_one(MAX_WIDTH),
        "size": _from_one(MAX_SIDE),
    }
    texts = {"arch": "arch", "data": "data", "from": "start", "data_note": "data_note", "licence": "licence"}
    kinds = {name: (option, text) for name, option in texts.items()}
    return {**kinds, **{name: (name, kind) for name, kind in network.items()}, **recipe}


def _from_one(most: int) -> Kind:
    return Kind(f"a whole number from 1 to {most}", lambda value: _is(whole, value, 1, most))


def _one_of(choices: Sequence[str]) -> Kind:
    return Kind(f"one of {', '.join(choices)}", lambda value: value in choices)


def _is(check: Callable[..., object], value: object, *limits: int) -> bool:
    try:
        check(value, *limits)
    except ValueError:
        return False
    return True


def _is_stages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is(whole, stage, 1) for stage in value)


def _content(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_file(file, MAX_FILE).decode())
    except OSError as error:
        raise TrainingError(f"{file} cannot be read ({error.strerror}); name the TOML file of a sweep.") from error
    except (ValueError, RecursionError) as error:
        reason = str(error) or "a nest without end"
        raise TrainingError(f"{file} is no TOML ({reason}); correct it there, or see Sweeps in docs/training.md.") from error


def _tables(file: Path, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The [[training]]s, of which there is one at least; `common` is a table where it is there."""
    tables = content.get("training", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise TrainingError(f"{file}: training is a list; write [[training]] in double brackets above each.")
    if not isinstance(content.get("common", {}), dict):
        raise TrainingError(f"{file}: common is a table; write [common] above the settings that all trainings share.")
    if not tables:
        raise TrainingError(f"{file} lists no training; add [[training]] and below it a name and its settings.")
    return tables


def _names(file: Path, tables: Iterable[Mapping[str, Any]]) -> list[str]:
    names: list[str] = []
    for number, table in enumerate(tables, 1):
        name = table.get("name")
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            example = 'such as name = "r = 8"'
            raise TrainingError(f"{file}: training {number} needs a name of 1 to {MAX_NAME} characters, {example}.")
        if name in names:
            raise TrainingError(f"{file}: two trainings have the name {name!r}; rename one of them.")
        names.append(name)
    return names


def _require_folders(file: Path, variations: Iterable[Variation]) -> None:
    """Names that differ, but not as folders, are refused, and those of which nothing is left."""
    slugs: dict[str, str] = {}
    for one in variations:
        if not one.slug:
            raise TrainingError(f"{file}: the name {one.name!r} has no letter or digit for its folder; rename it.")
        if one.slug in slugs:
            raise TrainingError(f"{file}: {slugs[one.slug]!r} and {one.name!r} would lie in one folder; rename one of them.")
        slugs[one.slug] = one.name


def _seeds(file: Path, seeds: object) -> tuple[int, ...]:
    if not isinstance(seeds, list) or not seeds or not all(_is(whole, seed, 0, 2**32 - 1) for seed in seeds):
        raise TrainingError(f"{file}, [common]: seeds is a list of whole numbers, such as [0, 1], not {quoted(seeds)}.")
    doubled = [seed for seed in seeds if seeds.count(seed) > 1]
    if doubled:
        raise TrainingError(f"{file}, [common]: seeds has {doubled[0]} twice; take one of them out.")
    return tuple(seeds)


def _baseline(file: Path, name: object, names: Sequence[str]) -> str | None:
    if name is None or name in names:
        return None if name is None else str(name)
    raise TrainingError(f"{file}: the baseline {quoted(name)} is none of the trainings; name one of {', '.join(names)}.")


def _corruptions(file: Path, count: object) -> int:
    """Test pictures to corrupt, 0 for none."""
    if isinstance(count, int) and _is(whole, count) and count != 1:
        return count
    words = "a number of test pictures, at least 2"
    raise TrainingError(f"{file}: corruptions is {words}, not {quoted(count)}; without it nothing is corrupted.")


def _settings(where: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a table, under the names that argparse has for them. where: how a sentence on them begins."""
    kinds, found = _kinds(), {}
    for name, value in table.items():
        if name in ("seed", "seeds"):
            raise TrainingError(f"{where}: {name} is no setting of one training; write seeds = [0, 1] in [common].")
        if name not in kinds:
            close = get_close_matches(name, kinds, 1)
            cure = f"write {close[0]}." if close else f"there are {', '.join(sorted(kinds))}."
            raise TrainingError(f"{where}: there is no setting {quoted(name)}; {cure}")
        option, kind = kinds[name]
        if not kind.fits(value):
            raise TrainingError(f"{where}: {name} is {kind.words}, not {quoted(value)}.")
        found[option] = _as_option(name, kind, value)
    return found


def _as_option(name: str, kind: Kind, value: Any) -> Any:
    """The value as argparse makes it of what is typed."""
    if name == "where":
        return ",".join(str(stage) for stage in sorted(set(value)))
    return float(value) if kind.words == "a number" else value

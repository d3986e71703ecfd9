"""What is kept between runs of a script: models, answers, stored figures. Keys are sha256, never pixels.

A network's is that of its card, which covers its weights, classes and preprocessing: a card that changes is seen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.ablation import ABLATION_FILE, Ablation
from seviz.analysis.classification import Classification, summarise
from seviz.backend import BlockWeights, Inspection, Model, Request, load
from seviz.backend.messages import Map
from seviz.checkpoints import EVALUATION_FILE, Checkpoint, open_checkpoint
from seviz.corruptions import CORRUPTIONS_FILE, Corruptions
from seviz.edits import Edit, Means, to_text
from seviz.edits.resolve import needs_means
from seviz.evaluation import Evaluation
from seviz.excitation import EXCITATION_FILE, GATES_FILE, Excitation, SampleGates
from seviz.faithfulness import FAITHFULNESS_FILE, Faithfulness
from seviz.figures import maps
from seviz.flip import Flip, flip_picture
from seviz.gate_history import EPOCHS_FILE, GateHistory
from seviz.images import Picture, Preprocessing, encode_png, fit
from seviz.machine import choose_device
from seviz.pruning import PRUNING_FILE, Pruning

ANSWERS = 128  # inspections kept, some 100 kB each


def model(checkpoint: Checkpoint) -> Model:
    """The checkpoint's network on its device, loaded once for all sessions."""
    return _model(os.fsencode(checkpoint.folder), checkpoint.card.sha256)


def inspection(
    checkpoint: Checkpoint, picture: Picture, classes: tuple[int, ...] = (), layer: str | None = None
) -> Inspection:
    """Predictions, gates, and Grad-CAM of `layer` (the last stage when None) for `classes` (the five most probable when ())."""
    return _inspection(os.fsencode(checkpoint.folder), checkpoint.card.sha256, picture.sha256, classes, layer, picture)


def pixel_map(checkpoint: Checkpoint, picture: Picture, method: str, target: int, layer: str) -> Map:
    """A map by one of Captum's methods."""
    return _pixel_map(os.fsencode(checkpoint.folder), checkpoint.card.sha256, picture.sha256, method, target, layer, picture)


def gate_gradients(checkpoint: Checkpoint, picture: Picture, target: int) -> Mapping[str, NDArray[np.float32]]:
    """By how much the logit of a class rises with each gate: site path -> (C,)."""
    return _gate_gradients(os.fsencode(checkpoint.folder), checkpoint.card.sha256, picture.sha256, target, picture)


def means(checkpoint: Checkpoint) -> Means | None:
    """The mean gates over a data set; None and CheckpointError as of excitation."""
    return _means(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EXCITATION_FILE))


def edited(
    checkpoint: Checkpoint,
    picture: Picture,
    edits: tuple[Edit, ...],
    *,
    layers: tuple[str, ...] = (),
    classes: tuple[int, ...] = (),
    others: Mapping[str, Picture] | None = None,
) -> Inspection:
    """The inspection under edits, with Grad-CAM of `layers` for `classes`. others: pictures whose gates edits ask for."""
    files = (os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EXCITATION_FILE))
    names = tuple((name, one.sha256) for name, one in sorted((others or {}).items()))
    return _edited(files, picture.sha256, to_text(edits), layers, classes, names, picture, edits, others or {})


def flip(checkpoint: Checkpoint, picture: Picture, target: int) -> Flip:
    """Few changes of gates that turn the prediction into `target`, from the gates without edits."""
    return _flip(os.fsencode(checkpoint.folder), checkpoint.card.sha256, picture.sha256, target, picture)


def block_weights(checkpoint: Checkpoint, site: str) -> BlockWeights:
    """The two layers of the SE block at a site."""
    return _block_weights(os.fsencode(checkpoint.folder), checkpoint.card.sha256, site)


def features(checkpoint: Checkpoint, picture: Picture, site: str) -> Inspection:
    """The inspection with the feature maps that the gate of `site` scales."""
    known = inspection(checkpoint, picture)
    if site in known.features:
        return known
    return _features(os.fsencode(checkpoint.folder), checkpoint.card.sha256, picture.sha256, site, picture)


def faithfulness(checkpoint: Checkpoint) -> Faithfulness | None:
    """Whether the maps of a sample are faithful; None and CheckpointError as of excitation."""
    return _faithfulness(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, FAITHFULNESS_FILE))


def seen(checkpoint: Checkpoint, picture: Picture, side: int = 384) -> NDArray[np.uint8]:
    """The picture as the network sees it, its pixels enlarged to at least `side` for the page: uint8 (H, W, 3)."""
    return _seen(picture.sha256, checkpoint.card.preprocessing, side, picture)


def seen_png(checkpoint: Checkpoint, picture: Picture) -> bytes:
    """The same as a PNG file."""
    return _seen_png(picture.sha256, checkpoint.card.preprocessing, picture)


def evaluation(checkpoint: Checkpoint) -> Evaluation | None:
    """The stored predictions, None where the checkpoint has none. Raises CheckpointError where they are damaged."""
    return _evaluation(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EVALUATION_FILE))


def figures(checkpoint: Checkpoint) -> Classification | None:
    """Accuracy and all that follows from the stored predictions; None and CheckpointError as of evaluation."""
    return _figures(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EVALUATION_FILE))


def excitation(checkpoint: Checkpoint) -> Excitation | None:
    """The gates over a data set, None where there is no such file. Raises CheckpointError where it is damaged."""
    return _excitation(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EXCITATION_FILE))


def sample_gates(checkpoint: Checkpoint) -> SampleGates | None:
    """The gates by sample, None where there is no such file. Raises CheckpointError where it is damaged."""
    written = changed(checkpoint, GATES_FILE), changed(checkpoint, EXCITATION_FILE)
    return _sample_gates(os.fsencode(checkpoint.folder), checkpoint.card.sha256, written)


def ablation(checkpoint: Checkpoint) -> Ablation | None:
    """What edits of its gates cost, None where there is no such file. Raises CheckpointError where it is damaged."""
    return _ablation(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, ABLATION_FILE))


def pruning(checkpoint: Checkpoint) -> Pruning | None:
    """What dropping its channels costs, None where there is no such file. Raises CheckpointError where it is damaged."""
    return _pruning(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, PRUNING_FILE))


def corruptions(checkpoint: Checkpoint) -> Corruptions | None:
    """How it does on corrupted pictures, None where there is no such file. Raises CheckpointError where it is damaged."""
    return _corruptions(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, CORRUPTIONS_FILE))


def gate_history(checkpoint: Checkpoint) -> GateHistory | None:
    """The mean gates of every epoch, None where there is no such file. Raises CheckpointError where it is damaged."""
    return _gate_history(os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed(checkpoint, EPOCHS_FILE))


def changed(checkpoint: Checkpoint, file: str) -> int:
    """When a file of the folder was written, in ns; 0 where there is none: a file that arrives later is seen."""
    try:
        return (checkpoint.folder / file).stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=32, show_spinner=False)
def device() -> str:
    return str(choose_device())


@st.cache_resource(max_entries=6, show_spinner="Loading the network", on_release=lambda model: model.close())
def _model(folder: bytes, sha256: str) -> Model:
    return load(Path(os.fsdecode(folder)))


@st.cache_resource(max_entries=ANSWERS, show_spinner="Looking")
def _inspection(
    folder: bytes, sha256: str, picture: str, classes: tuple[int, ...], layer: str | None, _picture: Picture
) -> Inspection:
    network = _model(folder, sha256)
    # the maps before the last gate come along: the page shows them first, and a pass of their own would double the wait
    last = [site.path for site in network.sites[-1:]]
    return network.inspect(_picture, layers=[layer] if layer else None, classes=classes or None, features=last)


@st.cache_resource(max_entries=ANSWERS, show_spinner=False)
def _seen(sha256: str, preprocessing: Preprocessing, side: int, _picture: Picture) -> NDArray[np.uint8]:
    return maps.enlarged(fit(_picture.pixels, preprocessing), side)


@st.cache_resource(max_entries=ANSWERS, show_spinner=False)
def _seen_png(sha256: str, preprocessing: Preprocessing, _picture: Picture) -> bytes:
    return encode_png(_seen(sha256, preprocessing, 384, _picture))


@st.cache_resource(max_entries=ANSWERS, show_spinner="Looking")
def _features(folder: bytes, sha256: str, picture: str, site: str, _picture: Picture) -> Inspection:
    return _model(folder, sha256).inspect(_picture, layers=(), features=(site,))


@st.cache_resource(max_entries=ANSWERS, show_spinner="Asking the network many times")
def _pixel_map(folder: bytes, sha256: str, picture: str, method: str, target: int, layer: str, _picture: Picture) -> Map:
    network = _model(folder, sha256)
    return network.pixel_map(network.see(_picture), method, target, layer=layer)


@st.cache_resource(max_entries=ANSWERS, show_spinner="Looking")
def _gate_gradients(
    folder: bytes, sha256: str, picture: str, target: int, _picture: Picture
) -> Mapping[str, NDArray[np.float32]]:
    return _model(folder, sha256).gate_gradients(_picture, target)


@st.cache_resource(max_entries=8, show_spinner=False)
def _means(folder: bytes, sha256: str, changed: int) -> Means | None:
    return open_checkpoint(Path(os.fsdecode(folder))).means()


@st.cache_resource(max_entries=4 * ANSWERS, show_spinner=False)
def _edited(
    files: tuple[bytes, str, int],
    picture: str,
    text: str,
    layers: tuple[str, ...],
    classes: tuple[int, ...],
    names: tuple[tuple[str, str], ...],
    _picture: Picture,
    _edits: tuple[Edit, ...],
    _others: Mapping[str, Picture],
) -> Inspection:
    network = _model(files[0], files[1])
    others = {name: network.see(other) for name, other in _others.items()}
    pixels = network.see(_picture)[None]
    averages = _means(*files) if needs_means(_edits) else None
    return network.submit(Request(pixels, layers, classes, 1, (), _edits, others, averages)).result()[0]


@st.cache_resource(max_entries=ANSWERS, show_spinner="Changing gate after gate")
def _flip(folder: bytes, sha256: str, picture: str, target: int, _picture: Picture) -> Flip:
    network = _model(folder, sha256)
    return flip_picture(network, network.see(_picture), target)


@st.cache_resource(max_entries=ANSWERS, show_spinner=False)
def _block_weights(folder: bytes, sha256: str, site: str) -> BlockWeights:
    return _model(folder, sha256).block_weights(site)


@st.cache_resource(max_entries=8, show_spinner="Reading the gates")
def _excitation(folder: bytes, sha256: str, changed: int) -> Excitation | None:
    return open_checkpoint(Path(os.fsdecode(folder))).excitation()


@st.cache_resource(max_entries=4, show_spinner="Reading the gates of every picture")
def _sample_gates(folder: bytes, sha256: str, changed: tuple[int, int]) -> SampleGates | None:
    return open_checkpoint(Path(os.fsdecode(folder))).sample_gates()


@st.cache_resource(max_entries=8, show_spinner=False)
def _ablation(folder: bytes, sha256: str, changed: int) -> Ablation | None:
    return open_checkpoint(Path(os.fsdecode(folder))).ablation()


@st.cache_resource(max_entries=8, show_spinner=False)
def _pruning(folder: bytes, sha256: str, changed: int) -> Pruning | None:
    return open_checkpoint(Path(os.fsdecode(folder))).pruning()


@st.cache_resource(max_entries=8, show_spinner=False)
def _corruptions(folder: bytes, sha256: str, changed: int) -> Corruptions | None:
    return open_checkpoint(Path(os.fsdecode(folder))).corruptions()


@st.cache_resource(max_entries=8, show_spinner=False)
def _faithfulness(folder: bytes, sha256: str, changed: int) -> Faithfulness | None:
    return open_checkpoint(Path(os.fsdecode(folder))).faithfulness()


@st.cache_resource(max_entries=16, show_spinner=False)
def _gate_history(folder: bytes, sha256: str, changed: int) -> GateHistory | None:
    return open_checkpoint(Path(os.fsdecode(folder))).gate_history()


@st.cache_resource(max_entries=32, show_spinner=False)
def _evaluation(folder: bytes, sha256: str, changed: int) -> Evaluation | None:
    return open_checkpoint(Path(os.fsdecode(folder))).evaluation()


@st.cache_resource(max_entries=32, show_spinner=False)
def _figures(folder: bytes, sha256: str, changed: int) -> Classification | None:
    stored = _evaluation(folder, sha256, changed)
    if stored is None:
        return None
    return summarise(stored.logits, stored.labels, open_checkpoint(Path(os.fsdecode(folder))).card.classes)

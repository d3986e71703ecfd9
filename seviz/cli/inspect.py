"""`seviz inspect IMAGE`: prediction, gates by site, maps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from seviz.cli.common import DEVICES, path, positive, print_json, reading

if TYPE_CHECKING:
    from seviz.backend import Inspection


def add(commands: Any) -> None:
    command = commands.add_parser("inspect", help="what a network makes of a picture: prediction, gates, maps")
    command.add_argument("image", type=path, metavar="IMAGE")
    command.add_argument("--model", required=True, metavar="M", help="a name that `seviz models` lists, or a path")
    command.add_argument("--layer", action="append", metavar="L", help="for Grad-CAM; may be given again; the last stage")
    command.add_argument("--top-k", type=positive, default=5, metavar="K", help="how many classes; 5")
    command.add_argument("--device", choices=DEVICES, default="auto", help="auto: CUDA, then MPS, then CPU")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz import backend

    with reading("picture"):
        picture = backend.read_picture(options.image)
    with backend.load(options.model, device=None if options.device == "auto" else options.device) as model:
        found = model.inspect(picture, top_k=options.top_k, layers=options.layer)
    if options.json:
        print_json({**_plain(found, options.top_k), "notices": list(picture.notices)})
    else:
        print("\n".join([*picture.notices, _text(found, options.top_k)]))


def _plain(found: Inspection, top_k: int) -> dict[str, object]:
    return {
        "model": found.provenance.model,
        "predictions": [{"label": one.label, "probability": one.probability} for one in found.predictions(top_k)],
        "gates": {site: [round(value, 7) for value in gates.tolist()] for site, gates in found.gates.items()},
        "maps": [
            {"layer": one.layer, "label": one.label, "height": one.values.shape[0], "width": one.values.shape[1]}
            for one in found.maps
        ],
        "device": found.provenance.device,
    }


def _text(found: Inspection, top_k: int) -> str:
    lines = [f"{one.label:<20} {one.probability:7.2%}" for one in found.predictions(top_k)]
    if found.gates:
        lines += ["", f"{'gates':<20} {'lowest':>8} {'mean':>8} {'highest':>8}"]
    for site, gates in found.gates.items():
        lines.append(f"{site:<20} {gates.min():8.3f} {gates.mean():8.3f} {gates.max():8.3f}")
    if found.maps:
        lines += ["", f"{'maps (Grad-CAM)':<20} {'class':<20} {'size':<10} most evidence at (row, column)"]
    for one in found.maps:
        row, column = divmod(int(one.values.argmax()), one.values.shape[1])
        size = f"{one.values.shape[0]} x {one.values.shape[1]}"
        lines.append(f"{one.layer:<20} {one.label:<20} {size:<10} {row}, {column}")
    return "\n".join([*lines, "", f"{found.provenance.model} on {found.provenance.device}"])

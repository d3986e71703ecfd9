"""How long Inspect takes for a network with 2,048 channels and 1,000 classes, and how much its charts weigh.

    python -m benchmarks.imagenet [--rounds 10] [--network timm:seresnet50.a1_in1k]

The network has random weights and is imported as a fetched one would be, so nothing is downloaded. bare: one forward pass of
the plain network, without hooks or gradients. maps: what Grad-CAM of the five most probable classes at the last stage takes
on top. answer: the app's own request, picture to prediction, every gate and those maps; page: the script of the page Inspect
for a picture it has not seen, charts built and serialised, the network loaded before. Wanted of the page: at most 1.5 x bare
+ maps + 0.5 s, and charts below 300 kB each. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from itertools import count
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.pages import photograph
from benchmarks.serving import ROOT
from benchmarks.timing import interleaved, report
from seviz.attribution import grad_cam
from seviz.backend import Model, load
from seviz.checkpoints import Checkpoint, open_checkpoint
from seviz.nets import from_card
from seviz.pretrained import import_file, resolve

WANTED_BYTES = 300_000


def lively(net: nn.Module) -> nn.Module:
    """Batch norms that do something, so that no branch is 0 and gates differ between pictures."""
    generator = torch.Generator().manual_seed(0)
    for name, value in net.state_dict().items():
        if value.is_floating_point() and value.dim() == 1:
            noise = torch.randn(value.shape, generator=generator)
            value.copy_(0.5 + 0.3 * noise.abs() if name.endswith(("var", "weight")) else 0.1 * noise)
    return net


def imported(name: str, folder: Path) -> Checkpoint:
    """A network of that name with random weights, brought in by the importing that real ones go through."""
    named = resolve(name)
    torch.manual_seed(0)
    options = {"library": named.library, "name": named.arch, "classes": len(named.classes), "options": dict(named.options)}
    save_file(lively(from_card(options)).state_dict(), folder / "random.safetensors")
    return open_checkpoint(import_file(named, folder / "random.safetensors", "random.safetensors"))


def times(checkpoint: Checkpoint, model: Model, rounds: int) -> dict[str, float]:
    """Median milliseconds of: bare, with_maps, answer, page."""
    net, size = checkpoint.network().requires_grad_(False), checkpoint.card.preprocessing
    x = torch.randn((1, 3, size.height, size.width), generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    net = net.to(memory_format=torch.channels_last)
    seeds = count(2000)

    def bare() -> None:
        with torch.no_grad():
            net(x)

    page = inspect_page(checkpoint.name)
    tasks = {
        "bare": bare,
        "with_maps": lambda: grad_cam(net, x, model.layers[-1:], top=5),
        "answer": lambda: model.inspect(photograph(next(seeds))),
        "page": lambda: page(photograph(next(seeds))),
    }
    return interleaved(tasks, rounds=rounds)


def inspect_page(name: str):  # type: ignore[no-untyped-def]  # what Streamlit's test driver is has no name of its own
    """Runs the page for a picture and returns the sizes of its charts in bytes, in the order of the page."""
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    at.query_params["model"], at.query_params["against"] = name, "none"
    at.run()

    def run(content: bytes) -> list[int]:
        at.file_uploader[0].upload("photo.jpg", content, "image/jpeg")
        at.run()
        assert not at.exception
        return [len(chart.proto.spec) for chart in at.get("plotly_chart")]

    return run


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--network", default="timm:seresnet50.a1_in1k")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEVIZ_HOME"] = folder
        checkpoint = imported(options.network, Path(folder))
        with load(options.network) as model:
            found = times(checkpoint, model, options.rounds)
            sites, channels = len(model.sites), sum(site.channels for site in model.sites)
        charts = inspect_page(checkpoint.name)(photograph(1))
    maps = found["with_maps"] - found["bare"]
    report(
        "imagenet",
        network=options.network,
        sites=sites,
        channels=channels,
        bare_ms=round(found["bare"], 1),
        maps_ms=round(maps, 1),
        answer_ms=round(found["answer"], 1),
        page_ms=round(found["page"], 1),
        wanted_ms=round(1.5 * found["bare"] + maps + 500, 1),
        charts_bytes=charts,
        wanted_bytes=WANTED_BYTES,
    )


if __name__ == "__main__":
    main()

"""What measuring gates costs beside the bare forward passes over the same batches: se_resnet20, pictures of 32 x 32.

    python -m benchmarks.excite [--rounds 30] [--batch 250] [--threads 2]

The two are timed in turn, batch by batch, in one process: `forward` normalises a batch and runs the network, `excite` does
that and takes the batch into moments and samples. Saving the state, the projections and the files are not part of it. The
share of the throughput that is left is the median over the batches of the paired ratio. Extremes are rarely beaten late in
a pass; here all batches of `rounds` passes count, the first ones too. The last line is JSON.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.timing import report
from seviz.checkpoints import open_checkpoint
from seviz.data import PictureSet, numbered_ids
from seviz.evaluation import outputs
from seviz.excitation.moments import Moments
from seviz.excitation.passes import batches_of, key_of
from seviz.excitation.samples import Samples
from seviz.images import Preprocessing


def drawn(count: int, classes: tuple[str, ...], preprocessing: Preprocessing) -> PictureSet:
    """Noise with a different brightness each, so that gates move; class by class, as a folder is read."""
    generator = np.random.default_rng(0)
    shape = (count, preprocessing.height, preprocessing.width, 3)
    pictures = generator.integers(0, 128, shape) + generator.integers(0, 128, (count, 1, 1, 3))
    labels = np.sort(np.arange(count) % len(classes))
    return PictureSet("drawn", "test", pictures.astype(np.uint8), labels, numbered_ids(labels, classes), classes)


def forward(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, batch: int) -> Iterator[None]:
    for logits in outputs(net, data, preprocessing, batch, None):
        logits.argmax(1)
        yield


def excite(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, batch: int) -> Iterator[None]:
    key = key_of(net, data, preprocessing, "")
    moments, samples = Moments(key, data.ids), Samples(key, data.ids)
    for found in batches_of(net, data, preprocessing, np.arange(len(data)), batch):
        moments.add(found)
        samples.add(found)
        yield


def timed(task: Iterator[None]) -> float:
    start = time.perf_counter()
    next(task)
    return (time.perf_counter() - start) * 1000


def measure(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, batch: int, rounds: int) -> dict[str, float]:
    tasks, pairs = {"forward": forward, "excite": excite}, []
    nets = {"forward": net, "excite": copy.deepcopy(net)}  # hooks on the one must not fire in the other
    for number in range(rounds + 1):
        running = {name: task(nets[name], data, preprocessing, batch) for name, task in tasks.items()}
        for place in range(len(data) // batch):
            # the order alternates, so that neither always comes first
            names = list(tasks) if (number + place) % 2 else list(tasks)[::-1]
            times = {name: timed(running[name]) for name in names}
            if number:
                pairs.append(times)
    medians = {name: statistics.median(pair[name] for pair in pairs) for name in tasks}
    return {
        "forward_ms": round(medians["forward"], 2),
        "excite_ms": round(medians["excite"], 2),
        "pictures_per_second": round(batch / medians["excite"] * 1000, 1),
        "throughput": round(statistics.median(pair["forward"] / pair["excite"] for pair in pairs), 4),
        "first_batch_ms": round(statistics.median(pair["excite"] for pair in pairs[:: len(data) // batch]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--count", type=int, default=2500)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    checkpoint = open_checkpoint("se_resnet20")
    preprocessing = checkpoint.card.preprocessing
    data = drawn(options.count, checkpoint.card.classes, preprocessing)
    found = measure(checkpoint.network(), data, preprocessing, options.batch, options.rounds)
    report("excite", network="se_resnet20", pictures=len(data), batch=options.batch, rounds=options.rounds, **found)


if __name__ == "__main__":
    main()

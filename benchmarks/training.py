"""Training throughput beside a plain PyTorch loop of the same network, pictures of 32 x 32.

    python -m benchmarks.training [--arch se_resnet20] [--pictures 5120] [--rounds 5] [--threads 2] [--workers 2]

`plain` is the loop of most public CIFAR code: float32, a DataLoader with worker processes, torchvision's transforms picture by
picture (crop out of 4 pixels of padding, flip, to tensor, normalise), cross-entropy, Nesterov SGD. `seviz` is an epoch of
Trainer as `seviz train` runs it, moving average, Cutout off, in the precision that this machine multiplies best; `seviz_fp32`
the same in float32. An epoch of each is timed in turn; the ratios are medians over rounds of the paired ratio. Workers start
before the first epoch that counts. The last line is JSON.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.timing import report
from seviz import nets
from seviz.images import Preprocessing
from seviz.machine import best_precision
from seviz.training import Recipe, Trainer

BATCH, MEAN, STD = 128, (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)
CPU = torch.device("cpu")


class Pictures(Dataset[tuple[Tensor, int]]):
    """uint8 (N, H, W, 3) and labels (N,), a picture at a time, as torchvision's CIFAR10 gives them."""

    def __init__(self, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self.pictures, self.labels = pictures, labels
        steps = [transforms.RandomCrop(pictures.shape[1], padding=4), transforms.RandomHorizontalFlip()]
        self.transform = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pictures[index])), int(self.labels[index])


def plain_epoch(arch: str, data: Pictures, workers: int) -> Callable[[], object]:
    """An epoch of the plain loop, to be called again and again."""
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    net = nets.build(arch, classes=10).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)

    def epoch() -> None:
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()

    return epoch


def own_epoch(arch: str, data: Pictures, precision: str) -> Callable[[], object]:
    recipe = Recipe(epochs=1000, batch=BATCH, peak_lr=0.1, precision=precision)
    side = data.pictures.shape[1]
    trainer = Trainer(nets.build(arch, classes=10), recipe, Preprocessing(side, side, mean=MEAN, std=STD), CPU)
    pictures, labels = torch.from_numpy(data.pictures), torch.from_numpy(data.labels)
    return lambda: trainer.run_epoch(pictures, labels, lambda *_: None)


def measure(tasks: dict[str, Callable[[], object]], rounds: int, count: int) -> dict[str, Any]:
    """Images per second of each task, and how many times that of `plain`."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        # the order alternates, so that neither always comes first
        for name in list(tasks) if number % 2 else list(tasks)[::-1]:
            start = time.perf_counter()
            tasks[name]()
            seconds[name] += [time.perf_counter() - start] if number else []  # the first round warms up
    return {
        "images_per_second": {name: round(count / statistics.median(times)) for name, times in seconds.items()},
        "times_plain": {name: _times(seconds["plain"], times) for name, times in seconds.items() if name != "plain"},
        "wanted": 2.0,
    }


def _times(plain: Sequence[float], ours: Sequence[float]) -> float:
    return round(statistics.median(slow / fast for slow, fast in zip(plain, ours, strict=True)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="se_resnet20")
    parser.add_argument("--pictures", type=int, default=5120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (options.pictures, 32, 32, 3)).astype(np.uint8)
    data = Pictures(pictures, generator.integers(0, 10, options.pictures))
    precision = best_precision(CPU)
    tasks = {
        "plain": plain_epoch(options.arch, data, options.workers),
        "seviz": own_epoch(options.arch, data, precision),
        "seviz_fp32": own_epoch(options.arch, data, "fp32"),
    }
    found = measure(tasks, options.rounds, options.pictures)
    report("training", network=options.arch, batch=BATCH, precision=precision, workers=options.workers, **found)


if __name__ == "__main__":
    main()

"""What recording all 16 gates of an SE-ResNet-50 costs beside the plain forward pass (224 x 224, batch 1 and 8).

    python -m benchmarks.gates [--rounds 40]

The two are timed in turn; the cost is the median over rounds of the paired ratio. The last line is JSON.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor, nn

from benchmarks.timing import report
from seviz import nets
from seviz.gates import find_gates, record_gates


def plain(net: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        net(x)


def recording(net: nn.Module, x: Tensor) -> None:
    with torch.no_grad(), record_gates(net):
        net(x)


def measure(net: nn.Module, batch: int, rounds: int) -> dict[str, float]:
    x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    pairs = []
    for number in range(rounds + 3):
        times = {}
        # the order alternates, so that neither always comes first
        for task in (plain, recording) if number % 2 else (recording, plain):
            start = time.perf_counter()
            task(net, x)
            times[task.__name__] = (time.perf_counter() - start) * 1000
        if number >= 3:
            pairs.append(times)
    ratios = [pair["recording"] / pair["plain"] for pair in pairs]
    return {
        "plain_ms": round(statistics.median(pair["plain"] for pair in pairs), 2),
        "recording_ms": round(statistics.median(pair["recording"] for pair in pairs), 2),
        "ratio": round(statistics.median(ratios), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    net = nets.build("se_resnet50").eval().requires_grad_(False)
    results = {f"batch_{batch}": measure(net, batch, max(5, rounds // batch)) for batch in (1, 8)}
    report("gates", network="se_resnet50", sites=len(find_gates(net)), side=224, **results)


if __name__ == "__main__":
    main()

"""What sharing work gains over the plain loop, for all 52 edits of an SE-ResNet-20 on pictures of 32 x 32.

    python -m benchmarks.ablate [--rounds 5] [--batch 100] [--threads 1]

Both compute the logits of one batch under every edit (every site, every stage and all sites; at 1, static, class mean,
shuffled) and of the live network. They are timed in turn; the gain is the median over rounds of the paired ratio, by the
clock and by processor time, which other programs disturb less. The last line is JSON.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import report
from seviz import nets
from seviz.ablation.plan import variants_of
from seviz.ablation.sharing import Gates, logits_of, one_by_one
from seviz.gates import find_gates


def inputs(batch: int) -> tuple[nn.Module, Tensor, list[dict[str, str]], Gates]:
    """A network, a batch, its 53 treatments, and random means."""
    torch.manual_seed(0)
    net = nets.build("se_resnet20", reduction=4).eval().requires_grad_(False)
    sites, x = find_gates(net), torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    treatments = [{}, *(dict.fromkeys(one.paths, one.gate) for one in variants_of(sites))]
    means = {site.path: torch.rand(site.channels) for site in sites}
    by_class = {site.path: torch.rand(batch, site.channels) for site in sites}
    return net, x, treatments, Gates(means, by_class)


def timed(task: Callable[..., Tensor], *arguments: Any) -> tuple[Tensor, tuple[float, float]]:
    """What a task returns, and the seconds it took: by the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    with torch.no_grad():
        found = task(*arguments)
    return found, (time.perf_counter() - clock, time.process_time() - processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    net, x, treatments, gates = inputs(options.batch)
    seconds, apart = [], 0.0
    for number in range(options.rounds + 1):
        found = {}
        # the order alternates, so that neither always comes first
        for task in (logits_of, one_by_one) if number % 2 else (one_by_one, logits_of):
            found[task.__name__] = timed(task, net, x, treatments, Gates(gates.means, gates.class_means))
        (shared, fast), (plain, slow) = found["logits_of"], found["one_by_one"]
        apart = max(apart, float((shared - plain).abs().max()))
        seconds += [(*slow, *fast)] if number else []  # the first round warms up
    report(
        "ablate",
        network="se_resnet20",
        edits=len(treatments) - 1,
        batch=options.batch,
        plain_s=round(statistics.median(one[0] for one in seconds), 3),
        shared_s=round(statistics.median(one[2] for one in seconds), 3),
        gain=round(statistics.median(one[0] / one[2] for one in seconds), 3),
        gain_processor=round(statistics.median(one[1] / one[3] for one in seconds), 3),
        largest_difference=apart,
        wanted=1.5,
    )


if __name__ == "__main__":
    main()

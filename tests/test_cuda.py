"""`pytest -m cuda -s`: the same answers on CUDA as on the CPU, and the speed of both. Left out where there is no card.

Stated tolerances: float32 (TF32 off) 1e-4 on probabilities and gates; bfloat16 0.03 on both, which is three steps of
that format just below 1.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively, pictures
from sets import coloured

from seviz.backend import Model, Request
from seviz.evaluation import evaluate

pytestmark = pytest.mark.cuda

TOLERANCE = {"float32": 1e-4, "bfloat16": 0.03}


def model_on(device: str, precision: str = "float32") -> Model:
    net = lively()
    return Model(net, name="net", classes=CLASSES, preprocessing=PREPROCESSING, device=device, precision=precision)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_cuda_says_what_the_cpu_says(precision):
    batch = Request(pictures(16, seed=1).numpy(), layers=("layer2", "layer3"), classes=(0, 3))
    with model_on("cpu") as cpu, model_on("cuda", precision) as cuda:
        wanted, got = cpu.submit(batch).result(), cuda.submit(batch).result()
    for one, other in zip(wanted, got, strict=True):
        np.testing.assert_allclose(other.probabilities, one.probabilities, atol=TOLERANCE[precision])
        for path, gates in one.gates.items():
            np.testing.assert_allclose(other.gates[path], gates, atol=TOLERANCE[precision])
        assert other.provenance.device.startswith("cuda:0 (")
        assert other.provenance.dtype == precision
        assert other.gates["layer1.0.se"].dtype == np.float32


def test_maps_on_cuda_are_the_cpus():
    batch = Request(pictures(4, seed=2).numpy(), layers=("layer3",), classes=(1,))
    with model_on("cpu") as cpu, model_on("cuda") as cuda:
        for one, other in zip(cpu.submit(batch).result(), cuda.submit(batch).result(), strict=True):
            np.testing.assert_allclose(other.maps[0].values, one.maps[0].values, atol=1e-3, rtol=1e-3)


def test_tf32_is_off_once_a_model_is_on_cuda():
    with model_on("cuda"):
        a = torch.randn(512, 512, device="cuda", generator=torch.Generator("cuda").manual_seed(0))
        product = (a @ a).double().cpu()
    exact = a.double().cpu() @ a.double().cpu()
    assert float((product - exact).abs().max()) < 1e-3  # TF32 is off by about 0.05 here


def test_throughput_and_latency_beside_the_cpu(capsys):
    """Prints what docs/cuda.md records; asserts only that the answers came."""
    rows = []
    for device, precision in (("cpu", "float32"), ("cuda", "float32"), ("cuda", "bfloat16")):
        with model_on(device, precision) as model:
            one, many = Request(pictures(1).numpy()), Request(pictures(16).numpy())
            model.submit(many).result()
            model.submit(one).result()
            start = time.perf_counter()
            answers = [model.submit(one).result() for _ in range(50)]
            latency = (time.perf_counter() - start) / 50 * 1000
            start = time.perf_counter()
            futures = [model.submit(many) for _ in range(50)]
            answers += [future.result() for future in futures]
            throughput = 800 / (time.perf_counter() - start)
            assert all(np.isfinite(answer[0].logits).all() for answer in answers)
        rows.append(f"{device} {precision}: {latency:.2f} ms a picture alone, {throughput:.0f} pictures/s in batches of 16")
    with capsys.disabled():
        print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}", *rows, sep="\n")


def test_evaluation_runs_on_cuda():
    data = coloured(30)
    net = lively().cuda()
    on_cuda = evaluate(net, data, PREPROCESSING).logits
    np.testing.assert_allclose(on_cuda, evaluate(lively(), data, PREPROCESSING).logits, atol=1e-3)

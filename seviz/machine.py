"""This computer: which device to use, what it is, and which versions run on it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.errors import RequestError
from seviz.version import __version__

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str | torch.device | None = None) -> torch.device:
    """The device as asked, or CUDA, then MPS, then CPU. Raises RequestError for one that this machine lacks.

    On CUDA, products in fp32 are computed in fp32 from then on, not in TF32, which would move gates by 1e-3.
    """
    import torch

    device = _device(wanted)
    if device.type == "cuda":
        # process-wide flags: set once, to the only value that seviz ever wants
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    return device


def best_precision(device: torch.device) -> str:
    """ "bf16" where the hardware multiplies it natively, else "fp32"."""
    import torch

    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"
    return "fp32"


def hardware(device: torch.device | None = None) -> dict[str, str | int]:
    """What stands beside a figure: processor, cores, threads that torch uses, device and system."""
    import torch

    described: dict[str, str | int] = {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "device": str(device or "cpu"),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device is not None and device.type == "cuda":
        described["accelerator"] = torch.cuda.get_device_name(device)
    return described


def versions() -> dict[str, str]:
    """Python, seviz and what computes."""
    found = {"python": platform.python_version(), "seviz": __version__}
    for package in ("torch", "torchvision", "numpy", "safetensors"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def _device(wanted: str | torch.device | None) -> torch.device:
    import torch

    there = [f"cuda:{index}" for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)]
    there += ["mps", "cpu"] if torch.backends.mps.is_available() else ["cpu"]
    if wanted is None:
        return torch.device(there[0])
    try:
        device = torch.device(wanted)
    except (RuntimeError, TypeError) as error:
        raise RequestError(f"{wanted!r} is no device; this machine has {', '.join(there)}.") from error
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda:0")
    if str(device) not in there:
        raise RequestError(f"There is no device {str(wanted)!r} on this machine; it has {', '.join(there)}.")
    return device


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

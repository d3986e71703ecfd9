"""A stand-in for the servers that hold weights: files by path, over HTTP, on this computer alone."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from torch import nn

FILE, REPOSITORY = "model.safetensors", "timm/test_efficientnet.r160_in1k"
SMALL = "timm:test_efficientnet.r160_in1k"  # of timm's own networks for tests: 360,000 parameters, SE blocks


@dataclass
class Hub:
    """files: path -> content. asked: the paths that were asked for, in order. cut: a body ends after so many bytes.

    linked: whether a file is reached by a redirect that tells its sha256, as on the hub; lying: tells another one.
    pause: called, where there is one, after the first half of a body.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: int | None = None
    linked: bool = True
    lying: bool = False
    pause: Callable[[], None] | None = None

    def put(self, repository: str, name: str, content: bytes) -> None:
        self.files[f"/{repository}/resolve/main/{name}"] = content

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        self.asked.append(path)
        content = self.files.get(path.removeprefix("/elsewhere"))
        if content is None:
            request.send_error(404)
        elif self.linked and not path.startswith("/elsewhere"):
            sha256 = "0" * 64 if self.lying else hashlib.sha256(content).hexdigest()
            request.send_response(302)
            request.send_header("Location", f"/elsewhere{path}")
            request.send_header("X-Linked-ETag", f'"{sha256}"')
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            request.send_response(200)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            half = len(content) // 2
            request.wfile.write(content[: self.cut if self.cut is not None else half])
            if self.pause:
                self.pause()
            if self.cut is None:
                request.wfile.write(content[half:])


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """A hub that answers as long as the `with` lasts."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                hub.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@cache
def small_network(name: str = "test_efficientnet", seed: int = 0) -> nn.Module:
    """A network of timm with random weights and batch norms that do something, in eval mode."""
    import timm

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)  # asked for with and without its default arguments it is made twice, and must be the same
        net: nn.Module = timm.create_model(name)
    for key, value in net.state_dict().items():
        if value.is_floating_point() and value.dim() == 1:
            noise = torch.randn(value.shape, generator=generator)
            value.copy_(0.5 + noise.abs() if key.endswith(("var", "weight")) else 0.2 * noise)
    return net.eval().requires_grad_(False)


@cache
def small_weights(name: str = "test_efficientnet", seed: int = 0) -> bytes:
    """Its weights as the hub would hold them."""
    from safetensors.torch import save

    return save({key: value.contiguous() for key, value in small_network(name, seed).state_dict().items()})


def bare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with empty caches and no own checkpoints, which knows no hub; processes that it starts are like it."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(folder / "own"))
    monkeypatch.setenv("SEVIZ_HOME", str(folder / "home"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    endpoint("http://127.0.0.1:9", monkeypatch)
    return folder


def known_as_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small network lies on `hub`, and everybody takes it for the Hugging Face hub."""
    hub.put(REPOSITORY, FILE, small_weights())
    endpoint(hub.address, monkeypatch)


def endpoint(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setattr(constants, "ENDPOINT", address)

"""`seviz data cifar10` and `seviz data cifar10-jpeg --out DIR`."""

from __future__ import annotations

import argparse
from typing import Any

from seviz.cli.common import counting, path, require_place


def add(commands: Any) -> None:
    command = commands.add_parser("data", help="download CIFAR-10, or make JPEG copies of it")
    kinds = command.add_subparsers(required=True, metavar="WHAT")
    cifar10 = kinds.add_parser("cifar10", help="download CIFAR-10 (170 MB) into the folder that SEVIZ_DATA names")
    cifar10.set_defaults(run=download)
    jpeg = kinds.add_parser("cifar10-jpeg", help="write CIFAR-10 as JPEG files (quality 75, 4:2:0) in class folders")
    jpeg.add_argument("--out", type=path, required=True, metavar="DIR", help="gets DIR/train/<class>/NNNN.jpg and DIR/test/...")
    jpeg.set_defaults(run=copy_as_jpeg)


def download(options: argparse.Namespace) -> None:
    from seviz.data import download_cifar10

    with counting("CIFAR-10", "B", scale=True) as progress:
        folder = download_cifar10(progress)
    print(f"CIFAR-10 is in {folder}.")


def copy_as_jpeg(options: argparse.Namespace) -> None:
    from seviz.data import make_jpeg_copies

    require_place(options.out, folder=True)
    with counting("JPEG copies") as progress:
        make_jpeg_copies(options.out, progress)
    print(f"The copies are in {options.out}; use them as folder:{options.out}.")

"""The command line: `python -m seviz train`, ... Results go to standard output, progress to standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from seviz.errors import SevizError


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SevizError as error:
        print(f"seviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("seviz: stopped.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="seviz")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train")
    train.add_argument("--arch", required=True)
    train.add_argument("--data", required=True)
    train.add_argument("--out", required=True)
    train.add_argument("--reduction", type=int, default=4)
    train.add_argument("--epochs", type=int, default=30)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--se-lr", type=float, default=1.0)
    train.add_argument("--threads", type=int)
    train.add_argument("--resume", action="store_true")
    train.set_defaults(run=_train)
    return parser


def _train(options: argparse.Namespace) -> None:
    from pathlib import Path

    import torch

    from seviz import data, nets, training
    from seviz.images import Preprocessing

    if options.threads:
        torch.set_num_threads(options.threads)
    train, test = (data.open_data(options.data, split) for split in ("train", "test"))
    device = torch.device("cpu")
    recipe = training.Recipe(
        epochs=options.epochs, seed=options.seed, se_lr=options.se_lr, precision=training.best_precision(device)
    )
    torch.manual_seed(options.seed)
    net = nets.build(options.arch, reduction=options.reduction, classes=len(train.classes))
    flat = train.pictures.reshape(-1, 3)
    mean = tuple(round(float(v), 4) for v in flat.mean(0) / 255)
    std = tuple(round(float(v), 4) for v in flat.std(0) / 255)
    print(mean, std)
    steps = -(-len(train) // recipe.batch)
    trainer = training.Trainer(net, recipe, Preprocessing(32, 32, mean=mean, std=std), steps, device)
    folder = Path(options.out)
    if options.resume:
        trainer.restore(folder)
    report = lambda epoch, seen, loss, accuracy: None
    for row in training.fit_network(trainer, train, test, folder, report):
        print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main())

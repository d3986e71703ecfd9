"""`seviz coverage`: which networks of timm have gates that are found and proved, as a page."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from typing import Any

from seviz.cli.common import counting, path, positive, print_json, require_place


def add(commands: Any) -> None:
    about = (
        "Every architecture of timm with pretrained weights, with random weights instead, is looked at for channel gates, one "
        "at a time; each gate is proved. Hours of one core; a stopped run goes on from its state file."
    )
    command = commands.add_parser("coverage", help="say which networks of timm have gates that work here", description=about)
    command.add_argument("--out", type=path, required=True, metavar="FILE", help="the page, such as docs/coverage.md")
    state = "what is known so far, one JSON line an architecture; FILE with .jsonl when not given"
    command.add_argument("--state", type=path, metavar="FILE", help=state)
    command.add_argument("--names", default="*", metavar="PATTERN", help="only architectures of these names, such as 'res*'")
    command.add_argument("--memory", type=positive, default=6, metavar="GIB", help="that one may take; 6")
    command.add_argument("--seconds", type=positive, default=300, metavar="S", help="of processor time that one may take; 300")
    command.add_argument("--again", action="store_true", help="look again at those that were not proved")
    command.add_argument("--page-only", action="store_true", help="write the page of what is known, and look at nothing")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    import torch

    from seviz.coverage import Limits, known_of_timm, survey_timm, write_page

    require_place(options.out, folder=False)
    state = options.state or options.out.with_suffix(".jsonl")
    require_place(state, folder=False)
    torch.set_num_threads(1)  # before the first fork: a child must not inherit a pool of threads that are not there
    limits = Limits(options.memory, options.seconds, options.names)
    if not options.page_only:
        with counting("architectures", " architectures") as progress:
            survey_timm(state, limits, again=options.again, progress=progress)
    found = known_of_timm(state)
    command = shlex.join(["python", "-m", "seviz", "coverage", "--out", str(options.out)])
    write_page(options.out, found, limits=limits, command=command)
    results = Counter(look.result for look in found)
    if options.json:
        print_json({"file": str(options.out), "results": dict(results)})
    else:
        print("\n".join([*(f"{count:>5}  {result}" for result, count in results.most_common()), f"wrote {options.out}"]))

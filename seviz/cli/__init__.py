"""The command line: `python -m seviz COMMAND`.

Results go to standard output, with --json one object as its last line; progress goes to standard error. What a user can
mend is one sentence on standard error and exit status 2; Ctrl-C is 130; anything else that is raised is a fault.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence

from seviz.cli import (
    ablate,
    bring,
    compare,
    cost,
    coverage,
    data,
    evaluate,
    excite,
    faithfulness,
    fetch,
    inspect,
    models,
    prune,
    report,
    strip,
    sweep,
    train,
)
from seviz.cli.common import use_at_hand
from seviz.errors import SevizError, printable
from seviz.version import __version__

COMMANDS = (
    models, fetch, inspect, evaluate, excite, compare, ablate, prune, faithfulness, report, train, sweep, strip, bring, cost,
    coverage, data,
)  # fmt: skip
BROKEN_PIPE = 141  # what a shell reports for a program that a closed pipe has ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. argparse's own errors end with status 2 as well, by SystemExit."""
    _settle()
    options = parser().parse_args(arguments)
    try:
        use_at_hand(options)
        bring.take_in_files(options)
        options.run(options)
        sys.stdout.flush()
    except SevizError as error:
        return _complain(str(error), 2)
    except BrokenPipeError:
        # whoever read the output has gone; Python's own flush at exit must not complain about it either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        return _complain(f"{error.filename or 'a file'} cannot be used ({error.strerror or error}).", 2)
    except (MemoryError, RuntimeError) as error:
        if not _no_memory(error):
            raise
        return _complain("there is not enough memory; choose a smaller --batch or --size, or close other programs.", 2)
    except KeyboardInterrupt as stop:
        return _complain(str(stop) or "stopped.", 130)
    return 0


def parser() -> argparse.ArgumentParser:
    about = "What Squeeze-and-Excitation networks attend to, channel by channel."
    made = argparse.ArgumentParser(prog="seviz", description=about)
    made.add_argument("--version", action="version", version=f"seviz {__version__}")
    commands = made.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for command in COMMANDS:
        command.add(commands)
    return made


def _settle() -> None:
    """This process is the command's own: any name can be printed, and what Pillow warns of is told in a sentence."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _no_memory(error: Exception) -> bool:
    """torch's allocators raise RuntimeErrors, of which only the words tell."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in ("out of memory", "t allocate memory"))


def _complain(sentence: str, status: int) -> int:
    print(f"seviz: {printable(sentence)}", file=sys.stderr)
    return status

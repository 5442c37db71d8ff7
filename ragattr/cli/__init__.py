"""The command line: each module holds the commands of one kind.

Heavy packages are imported inside the commands, so that `ragattr --help` is quick.
"""

import errno
import logging
import os
import sys

from ragattr.cli import asking, evaluating, lint, models, training
from ragattr.cli.app import app
from ragattr.cli.shown import say
from ragattr.errors import RagattrError

__all__ = ["app", "asking", "evaluating", "lint", "main", "models", "training"]


def main() -> None:
    """Run the command; errors that were foreseen are one sentence and exit code 2."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Every length of prompt leaves kernels behind: keeping 64 and not 1,024 slows the growth.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    logging.getLogger("ragattr").addHandler(logging.StreamHandler())
    logging.getLogger("ragattr").setLevel(logging.INFO)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # what cannot be written is found here, not when Python ends
    except RagattrError as error:
        say(f"ragattr: {error}")
        sys.exit(2)
    except OSError as error:
        _write_no_more()
        if error.errno == errno.EPIPE:  # whoever reads has seen enough
            sys.exit(1)
        say(f"ragattr: cannot write the output: {error.strerror or error}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("ragattr: interrupted")
        sys.exit(130)


def _write_no_more() -> None:
    """Python would try once more at its end to write what is left, and complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

"""What all loaders share."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_progress() -> Iterator[None]:
    """Keep transformers from drawing progress bars while a model loads."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def readable(text: str) -> str:
    """Each lone surrogate becomes one replacement character: it can be encoded, offsets stay."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]

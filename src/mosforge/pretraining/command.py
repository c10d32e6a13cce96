"""`mosforge pretraining verify`, for people."""

from typing import Any

from mosforge.options import add_verify


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `verify`."""
    add_verify(verbs)

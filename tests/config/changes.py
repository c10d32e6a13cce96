"""Configurations of which a test changes some keys."""

import copy
from collections.abc import Mapping
from typing import Any


def with_changes(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with other values.

    Args:
        config: the configuration.
        changes: values by keys such as `pretraining.crop`.
    """
    changed = copy.deepcopy(dict(config))
    for key, value in changes.items():
        *parents, last = key.split(".")
        place = changed
        for parent in parents:
            place = place[parent]
        place[last] = value
    return changed

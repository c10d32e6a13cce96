"""What sources that are fetched may not have together."""

import os
from collections.abc import Iterator

from mosforge.config.configuration import Configuration


def folders_for_two(config: Configuration) -> Iterator[str]:
    """A sentence for each source whose folder another one fills with other images, and would replace.

    Args:
        config: the configuration.
    """
    filled: dict[str, str] = {}
    sources = config.sources.collections
    for name, entry in sources.items():
        if not entry.is_fetched or entry.folder is None:
            continue
        other = filled.setdefault(os.path.normpath(entry.folder), name)
        if (entry.archive, entry.packaged) != (sources[other].archive, sources[other].packaged):
            yield (
                f"sources.collections.{name}.folder: {entry.folder!r} is filled with other images, those of "
                f"{other!r}; name another folder"
            )

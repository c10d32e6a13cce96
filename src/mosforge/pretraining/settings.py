"""The settings of the jobs of `pretraining`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import CorpusShards, Settings
from mosforge.core.values import Whole


class PackShardSettings(Settings):
    """What the pack of a shard depends on."""

    resize: Whole


class IndexPacksSettings(CorpusShards):
    """What the joined index of the packs of a corpus depends on."""

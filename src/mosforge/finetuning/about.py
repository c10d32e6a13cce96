"""What messages and model cards say about each target dataset: its scores, its licence, where to get it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mosforge.finetuning.settings import DatasetSettings

CHANGES_NO_RESULT = "words for people: they go into messages and model cards, and into no table"


@dataclass(frozen=True)
class About:
    """What messages and model cards say about a dataset."""

    unit: str  # the scale of the scores
    licence: str  # what the authors allow
    obtain: str  # what to do to get it, as the end of a sentence


_TEXAS = "copyright The University of Texas at Austin; free of charge with its notice, to be cited"

ABOUT: Mapping[str, About] = {
    "live": About(
        unit="DMOS (realigned), -3 to 112",
        licence=_TEXAS,
        obtain="ask for LIVE release 2 at https://live.ece.utexas.edu/research/quality/subjective.htm "
        "and unpack databaserelease2 there",
    ),
    "csiq": About(
        unit="DMOS, 0 to 1",
        licence="for research, to be cited (Larson and Chandler, 2010)",
        obtain="download src_imgs, dst_imgs and csiq.DMOS.xlsx from "
        "https://s2.smu.edu/~eclarson/csiq.html and unpack them there",
    ),
    "tid2013": About(
        unit="MOS, 0 to 9",
        licence="free for non-commercial research, to be cited (Ponomarenko et al., 2015)",
        obtain="download tid2013.rar from https://www.ponomarenko.info/tid2013.htm and unpack it there",
    ),
    "livec": About(
        unit="MOS, 0 to 100",
        licence=_TEXAS,
        obtain="ask for the LIVE In the Wild Image Quality Challenge Database at "
        "https://live.ece.utexas.edu/research/ChallengeDB/index.html and unpack ChallengeDB_release there",
    ),
    "koniq10k": About(
        unit="MOS of z-scores, 0 to 100",
        licence="the images are under their photographers' Creative Commons licences; to be cited",
        obtain="download koniq10k_distributions_sets.csv and the images (1024x768 or 512x384) from "
        "https://database.mmsp-kn.de/koniq-10k-database.html and unpack them there",
    ),
    "kadid10k": About(
        unit="DMOS on 1 to 5, where 5 is best",
        licence="the references are under the Pixabay licence; for research, to be cited (Lin et al., 2019)",
        obtain="download kadid10k.zip from https://database.mmsp-kn.de/kadid-10k-database.html "
        "and unpack it there",
    ),
    "spaq": About(
        unit="MOS, 0 to 100",
        licence="for research and education, to be cited (Fang et al., 2020)",
        obtain="download SPAQ by the links of https://github.com/h4nwei/SPAQ and unpack it there",
    ),
    "flive": About(
        unit="MOS, 0 to 100",
        licence="the images are under their owners' licences; for research, to be cited (Ying et al., 2020)",
        obtain="get labels_image.csv and the images as https://github.com/niu-haoran/FLIVE_Database says, "
        "and put the images into database/ there",
    ),
    "pipal": About(
        unit="Elo rating, 800 to 2000",
        licence="for research, to be cited (Gu et al., 2020)",
        obtain="download the training part by the links of https://www.jasongt.com/projectpages/pipal.html "
        "and unpack Train_Label, Train_Ref and the four archives of distorted images there",
    ),
    "tid2008": About(
        unit="MOS, 0 to 9",
        licence="free for non-commercial research, to be cited (Ponomarenko et al., 2009)",
        obtain="download tid2008.rar from https://www.ponomarenko.info/tid2008.htm and unpack it there",
    ),
    "cid2013": About(
        unit="MOS (realigned), -10 to 100",
        licence="free of charge with its notice, to be cited (Virtanen et al., 2015)",
        obtain="download CID2013 from https://zenodo.org/record/2647033 and unpack it there",
    ),
    "livemd": About(
        unit="DMOS, 0 to 100",
        licence=_TEXAS,
        obtain="ask for the LIVE Multiply Distorted Image Quality Database at "
        "https://live.ece.utexas.edu/research/quality/live_multidistortedimage.html "
        "and unpack the contents of To_Release there",
    ),
    "agiqa3k": About(
        unit="MOS of quality, 0 to 5",
        licence="for research, to be cited (Li et al., 2024)",
        obtain="download the images and data.csv by the links of "
        "https://github.com/lcysyzxdxc/AGIQA-3k-Database and put them there, the images into images/",
    ),
    "biq2021": About(
        unit="MOS, 0 to 1",
        licence="free for use and benchmarking, to be cited (Ahmed and Asif, 2022)",
        obtain="download BIQ2021 from https://github.com/nisarahmedrana/BIQ2021 and unpack it there",
    ),
}
"""The official layouts by name."""

_OWNERS = "that of its owner"


def about(cfg: DatasetSettings) -> About:
    """What messages and model cards say about a dataset; a user's table is described by the configuration."""
    if cfg.layout in ABOUT:
        return ABOUT[cfg.layout]
    scale = "MOS" if cfg.higher_is_better else "DMOS"
    limits = "" if cfg.range is None else ", {:g} to {:g}".format(*cfg.range)
    return About(
        unit=scale + limits,
        licence=_OWNERS,
        obtain=f"put the CSV {cfg.table} there and its images into {cfg.images or '.'}",
    )


def card_terms(layout: str) -> dict[str, str]:
    """What a model's card says of the scores and the licence of the dataset that it learned from.

    Args:
        layout: value of the configuration's key `layout`; `table` and `proxy` are possible, too.
    """
    return {
        "labels": "proxy scores (HaarPSI), not human scores" if layout == "proxy" else "human scores",
        "licence": ABOUT[layout].licence if layout in ABOUT else _OWNERS,
    }

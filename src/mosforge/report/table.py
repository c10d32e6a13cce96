"""The tables of an experiment: its numbers beside the paper's, what pretraining adds, and every split."""

from pathlib import Path

from mosforge.core.atomic import atomic_file
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.sanity import SANITY
from mosforge.core.tables import read_table
from mosforge.report.artefacts import of_all_ratings, predictions_in
from mosforge.report.blocks import to_csv, to_markdown
from mosforge.report.budgets import gains_by_budget
from mosforge.report.experiment_table import experiment_table, legend, paper_grid, splits_frame
from mosforge.report.gains import GAIN
from mosforge.report.sanity import notes, sanity_grid, sanity_table
from mosforge.report.settings import TableSettings
from mosforge.report.words import method_names


def table(
    experiment: str,
    correlations: Path,
    predictions: list[Path],
    sane: list[Path],
    labels: list[Path],
    *,
    output: Path,
    markdown: Path,
    gains: Path,
    splits: Path,
    sanity: Path,
    cfg: TableSettings,
) -> None:
    """Writes the tables of one experiment.

    Args:
        experiment: its name.
        correlations: its correlations, Parquet.
        predictions: predictions behind the correlations of single splits, Parquet; without them the gains
            of a single split have no interval.
        sane: what the models make of images that no training has seen (artefact `sanity`), where
            `evaluation.sanity` names a corpus.
        labels: the pseudo-MOS of these images (artefact `pmos`), or nothing.
        output: CSV with a line a number, measured and published.
        markdown: the same as a table for people, in the paper's columns.
        gains: CSV of what one pretraining adds to another, for each number of ratings.
        splits: CSV with the numbers of every split.
        sanity: CSV of the shares in which scores fall when an image is distorted, and of the SROCC of the
            scores with the pseudo-MOS.
        cfg: what stands beside the numbers.
    """
    rows = read_table(correlations, CORRELATIONS)
    found = experiment_table(experiment, of_all_ratings(rows), cfg)
    added = gains_by_budget(experiment, rows, predictions_in(predictions), cfg.proxies)
    scored = [read_table(file, SANITY) for file in sane]
    given = [read_table(file, LABELS) for file in labels]
    shares = sanity_table(experiment, scored, method_names(rows), *given)
    text = to_markdown(paper_grid(found), [*legend(found), *found.notes, *cfg.left_out])
    if len(shares):
        text += f"\n{to_markdown(sanity_grid(shares), notes(shares))}"
    texts = {
        output: to_csv(found.numbers),
        markdown: text,
        sanity: to_csv(shares),
        gains: to_csv(added[[*GAIN, "ratings"]]),
        splits: to_csv(splits_frame(experiment, rows, cfg.proxies)),
    }
    for path, text in texts.items():
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

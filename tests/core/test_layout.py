"""The paths of the results: spelled in one module, and found below any folder."""

import re
from pathlib import Path

import pytest

from mosforge.core import layout
from mosforge.core.runs import Run

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "workflow").rglob("*.smk")]
PATTERNS = {
    name: value for name, value in vars(layout).items() if name.isupper() and value.startswith("results/")
}


def test_no_other_module_and_no_rule_spells_a_path_below_the_results() -> None:
    spelled = {
        f"{file.name}: {line.strip()}"
        for file in FILES
        if file != Path(layout.__file__).resolve()
        for line in file.read_text().splitlines()
        # a module may show a path as an example, and a benchmark is named in its rule and nowhere else
        if re.search(r'"results/' if file.suffix == ".smk" else r'"results/[^"]*{', line)
        and '"results/benchmarks/' not in line
    }
    assert not spelled


def test_each_pattern_is_used_and_its_own() -> None:
    assert len(set(PATTERNS.values())) == len(PATTERNS)
    text = "\n".join(file.read_text() for file in FILES)
    assert not [name for name in PATTERNS if f"layout.{name}" not in text]


def test_a_path_is_found_below_the_folder_of_the_results() -> None:
    found = layout.below(Path("/data/run"), layout.LABELS, corpus="synthetic")
    assert found == Path("/data/run/pmos/synthetic.parquet")
    assert layout.of_model(layout.FINETUNED)["history"].endswith(
        "/{initialisation}{training}/history.parquet"
    )


@pytest.mark.parametrize("seed", [0, 1, 12])
def test_a_training_is_named_by_its_seed_and_the_first_as_if_there_were_no_other(seed: int) -> None:
    run = Run("own", "1", "net", "imagenet", "own", seed)
    folder = layout.FINETUNED.format(**run.wildcards)
    assert folder == "results/finetuning/own/1/net/imagenet" + (f".seed{seed}" if seed else "")
    assert layout.seed_in(layout.training_of(seed)) == seed

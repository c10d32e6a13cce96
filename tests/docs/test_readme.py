"""The README: its length, and every command and example in it, word for word."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from mosforge.models.folder import save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.scoring.built_in import FOLDER

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in BLOCKS if not language for line in text.splitlines()]

(INIT,) = (line for line in COMMANDS if line.startswith("mosforge init "))
MAKE = [line for line in COMMANDS if line.startswith("make ")]
NOT_RUN = {"source .venv/bin/activate"}
"""The tests run in an environment of their own."""


@dataclass(frozen=True)
class Project:
    """A folder in which the README's commands can be run, as in the repository.

    Attributes:
        folder: with the workflow, a model with random weights where the demo puts its own, `image.jpg`, and
            images and ratings with the configuration that the README's first command makes of them.
    """

    folder: Path

    def run(self, command: str, status: int = 0) -> str:
        """Runs a command line, which must end with this status, in the folder; returns what it prints."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        result = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr


def example(language: str) -> str:
    """The only block of a language in the README."""
    (text,) = (text for found, text in BLOCKS if found == language)
    return text


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("readme")
    for name in ("Snakefile", "config.yaml", "profiles", "workflow"):
        (folder / name).symlink_to(REPOSITORY / name)
    Image.fromarray(data.coffee()[:200, :240]).save(folder / "image.jpg", quality=95)
    (model,) = set(re.findall(r"--model (\S+)", README))
    torch.manual_seed(0)
    facts = {"backbone": "efficientnet_lite0", "crop": 64, "test_crops": 2, "range": [0.0, 1.0]}
    save_model(
        folder / model,
        Network("efficientnet_lite0", ScoreHead(1280, 0.5)),
        {"head": "score", "dropout": 0.5, "higher_is_better": True, **facts},
    )
    _make_data(folder)
    made = Project(folder)
    made.run(INIT)
    return made


def _make_data(folder: Path) -> None:
    """The images and ratings that the README's example names."""
    rng = np.random.default_rng(0)
    (folder / "pictures/deep").mkdir(parents=True)
    (folder / "study").mkdir()
    rows = ["image,mos"]
    for i in range(6):
        pixels = rng.integers(0, 256, (170, 180, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"pictures/deep/{i}.png")
        for divisor in (2, 3):
            Image.fromarray(pixels // divisor).save(folder / f"study/{i}_{divisor}.png")
            rows.append(f"{i}_{divisor}.png,{1 + i / divisor}")
    (folder / "study/scores.csv").write_text("\n".join(rows) + "\n")


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
    assert max(map(len, README.splitlines())) <= 130


def takes_built_in(command: str) -> bool:
    """Whether a command scores with the model that comes with mosforge."""
    return command.startswith("mosforge score ") and "--model" not in command


needs_model = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="this checkout has no built-in model yet: `make builtin`"
)


def _for_people() -> list[object]:
    lines = [line for line in COMMANDS if line.startswith("mosforge ")]
    return [pytest.param(line, marks=[needs_model] if takes_built_in(line) else []) for line in lines]


def test_the_first_command_after_the_installation_scores_an_image() -> None:
    assert takes_built_in(next(line for line in COMMANDS if line.startswith("mosforge ")))


@pytest.mark.slow
@pytest.mark.parametrize("command", _for_people())
def test_commands_for_people_run(project: Project, command: str) -> None:
    if command == INIT:
        (project.folder / "runs/mine/run.yaml").unlink()
    assert project.run(command) or "-o " in command
    for written in re.findall(r"-o (\S+)", command):
        with Image.open(project.folder / written) as image:
            image.load()


@pytest.mark.slow
@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("snakemake ")])
def test_snakemake_plans_the_runs(project: Project, command: str) -> None:
    """Each command line as a dry run, also where it is none: trainings take hours."""
    dry = command if " -n" in command else command.replace("snakemake ", "snakemake -n ", 1)
    dry = f"{dry} --nocolor" if " -- " not in dry else dry.replace(" -- ", " --nocolor -- ")
    if "table1" in command:  # none of its datasets is there
        assert "nothing of the experiment table1 can be done: dataset live" in project.run(dry, status=1)
        return
    told = project.run(dry)
    assert "This was a dry-run" in told
    if "mine" in command:
        assert re.search(r"^pretrain +1$", told, flags=re.MULTILINE)
        assert re.search(r"^finetune +(6|20)$", told, flags=re.MULTILINE)
        assert re.search(r"^Estimate: 234 distorted images, ", told, flags=re.MULTILINE)
        assert "left out" not in told, "nothing of the paper is asked for"
    else:
        assert "dataset tid2013 is left out: the folder resources/datasets/tid2013 is missing" in told


@pytest.mark.parametrize(
    ("command", "calls"),
    [
        (
            "make demo",
            ["snakemake --directory runs/demo -- all", "mosforge score", "results/report/index.html"],
        ),
        ("make test", ["python -m pytest"]),
        ("make install", ["pip install", "--editable '.[demo]'"]),
        ("make docs", ["mkdocs build --strict"]),
    ],
)
def test_make_calls_what_the_readme_says(command: str, calls: list[str]) -> None:
    assert command in README
    target = command.removeprefix("make ")
    # as where nothing is installed yet
    words = ["make", "--dry-run", "--always-make", target]
    printed = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert [call for call in calls if call not in printed] == []


def test_an_index_of_torch_for_the_cpu_can_be_named(tmp_path: Path) -> None:
    """Without one, pip's own index gives torch for the GPU."""
    for words, first in (([], False), (["TORCH_INDEX=http://x.org/cpu"], True)):
        printed = subprocess.run(
            ["make", "--dry-run", f"BIN={tmp_path}", ".venv/installed-new", *words],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        installs = [line for line in printed.splitlines() if "pip install" in line]
        assert ('--no-deps --index-url "http://x.org/cpu" torch torchvision' in installs[0]) is first
        assert installs[-1].endswith("--editable '.[new]'")
        assert all("--constraint envs/requirements.txt" in line for line in installs)


def test_every_command_is_among_those_that_are_checked() -> None:
    for command in COMMANDS:
        assert command.startswith(("mosforge ", "snakemake ")) or command in {
            "make install",
            "make test",
            *NOT_RUN,
        }


def test_the_model_is_the_one_that_the_demo_scores_with() -> None:
    (model,) = set(re.findall(r"runs/\S+?multitask", README))
    assert f"DEMO_MODEL := {model}\n" in (REPOSITORY / "Makefile").read_text()


@needs_model
def test_the_python_example_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    names: dict[str, object] = {}
    exec(example("python"), names)
    assert "scorer" in names

"""Full disks, read-only folders, damaged files and killed workers: a sentence, and another run mends it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dying_worker import DYING, render_and_die
from stopping import half_written
from workflow_project import REPOSITORY, command, command_line, dry_run, snakemake

from mosforge.cli import main

pytestmark = pytest.mark.slow

SHARD = "results/distortions/synthetic/jpeg/photos-00000"
FILES = "results/sources/shards/photos-00000.parquet"
SCORES = "results/metrics/synthetic/jpeg/photos-00000.parquet"
PACKS = "results/pretraining/synthetic/packs/jpeg"
TUNED = "results/finetuning/rated/1/efficientnet_lite0/imagenet"
NETWORK = "results/pretraining/synthetic/efficientnet_lite0/multitask"


@pytest.fixture
def copy(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished project as links to its files, for commands: these replace files."""
    folder = tmp_path / "copy"
    shutil.copytree(
        project, folder, copy_function=os.link, ignore=shutil.ignore_patterns(".snakemake", "logs")
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def whole_copy(project: Path, tmp_path: Path) -> Path:
    """The finished project with all that Snakemake knows of it, for runs of the workflow."""
    return Path(shutil.copytree(project, tmp_path / "copy", copy_function=shutil.copy2))


def replace(file: Path, content: bytes) -> None:
    """Another file in the place of this one, which may be a link to the project's."""
    file.unlink()
    file.write_bytes(content)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence that a command ended with."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    assert "Logging error" not in text
    last = text.rstrip("\n").rpartition("\n")[2]
    assert last.startswith("mosforge: error: ")
    return last


@contextlib.contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    """A small file system in memory over a folder; skips the test where mounting is refused."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own cannot be mounted here: only a superuser may")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


# Where a small file system is mounted, the stage's command, and the file that it wants to write there.
WRITERS = {
    "distortions": (Path(SHARD).parent, "distortions distort", SHARD),
    "metrics": (Path(SCORES).parent, "metrics score", SCORES),
    "pmos": (Path("results/pmos"), "pmos fuse", "results/pmos/synthetic.parquet"),
    "pretraining, packs": (Path(PACKS), "pretraining pack_shard", f"{PACKS}/photos-00000.parquet"),
    "pretraining, training": (Path(NETWORK).parent, "pretraining pretrain", f"{NETWORK}/model.safetensors"),
    "evaluation": (
        Path("results/evaluation/brisque"),
        "evaluation brisque",
        "results/evaluation/brisque/rated.parquet",
    ),
    "report": (Path("results/report/tables"), "report table", "results/report/tables/table2.csv"),
}


@pytest.mark.parametrize(("place", "verb", "output"), WRITERS.values(), ids=WRITERS.keys())
def test_a_full_disk_is_told_and_with_room_the_same_command_goes_on(
    project: Path, copy: Path, capsys: pytest.CaptureFixture[str], place: Path, verb: str, output: str
) -> None:
    words = command(project, verb, output)
    with mounted(copy / place, "4k"):
        (copy / place / "filler").write_bytes(bytes(4096))
        assert main(words) == 1
        assert "make room and run again" in told(capsys)
        assert {path.name for path in files(copy / place) if path.suffix != ".lock"} == {"filler"}
        remount(copy / place, "size=200m")
        assert main(words) == 0
        for made in files(copy / output) if (copy / output).is_dir() else [copy / output]:
            assert made.read_bytes() == (project / made.relative_to(copy)).read_bytes()


def test_a_disk_that_is_full_before_the_manifest_leaves_no_shard(
    project: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [path for path in files(copy / SHARD) if path.suffix == ".jpg"]
    pages = sum(-(-path.stat().st_size // 4096) for path in images) + 1
    words = command(project, "distortions distort", SHARD)
    place = (copy / SHARD).parent
    with mounted(place, f"{4 * pages}k"):
        assert main(words) == 1
        assert "manifest.parquet: no room on the disk; make room and run again" in told(capsys)
        assert not list(place.iterdir())
        remount(place, "size=1m")
        assert main(words) == 0
        assert len(files(copy / SHARD)) == len(images) + 1


def test_a_read_only_folder_is_told(project: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, words = (copy / SCORES).parent, command(project, "metrics score", SCORES)
    with mounted(place, "1m"):
        remount(place, "ro")
        assert main(words) == 1
        assert f"{SCORES}: the folder is read-only; make it writable and run again" in told(capsys)
        remount(place, "rw")
        assert main(words) == 0
        assert (copy / SCORES).read_bytes() == (project / SCORES).read_bytes()


# A file that is cut short, and a command that reads it.
READERS = [
    (FILES, f"distortions distort --files {FILES}"),
    (FILES, "sources catalogue --name photos"),
    ("results/sources/photos.parquet", "pmos fuse --metrics results/metrics/synthetic"),
    ("results/sources/photos.excluded.parquet", "report page"),
    ("results/sources/leaks/photos/rated.parquet", "sources leaks results/sources/leaks/photos/"),
    ("results/sources/photos.leaks.parquet", "pmos fuse --metrics results/metrics/synthetic"),
    (f"{SHARD}/manifest.parquet", f"metrics score --images {SHARD}"),
    (f"{SHARD}/manifest.parquet", f"pretraining pack_shard --images {SHARD}"),
    ("results/distortions/mixtures/authentic/tiles-00000/manifest.parquet", "finetuning label_proxy"),
    (SCORES, "pmos fuse --metrics results/metrics/synthetic"),
    ("results/metrics/targets/stand_in.parquet", "pmos validate results/pmos/validation/stand_in"),
    ("results/pmos/synthetic.mapping.json", "pmos validate"),
    ("results/pmos/synthetic.parquet", "pmos diagnose --labels results/pmos/synthetic"),
    ("results/pmos/synthetic.parquet", "pretraining pretrain --labels results/pmos/synthetic"),
    ("results/pmos/synthetic.diagnostics.json", "report page"),
    ("results/pmos/validation/stand_in.parquet", "report page"),
    (f"{PACKS}/photos-00000.parquet", "pretraining index_packs --packs results/pretraining/synthetic"),
    (f"{PACKS}/photos-00000.pixels", "pretraining pretrain --labels results/pmos/synthetic"),
    ("results/pretraining/synthetic/pack.parquet", "pretraining pretrain --labels results/pmos/synthetic"),
    (
        "results/pretraining/weights/efficientnet_lite0.safetensors",
        "finetuning finetune --weights results/pretraining/weights",
    ),
    (f"{NETWORK}/history.parquet", "report page"),
    (f"{NETWORK}/model.safetensors", f"finetuning finetune --weights {NETWORK}"),
    ("results/finetuning/rated/dataset.parquet", "finetuning split --dataset results/finetuning/rated"),
    ("results/finetuning/rated/1/split.parquet", "finetuning finetune results/finetuning/rated/1/split"),
    ("results/finetuning/rated/pack.parquet", "evaluation brisque --dataset results/finetuning/rated"),
    ("results/finetuning/rated/pack.pixels", "evaluation brisque --dataset results/finetuning/rated"),
    (f"{TUNED}/card.json", f"evaluation predict {TUNED}"),
    (f"{TUNED}/model.safetensors", f"evaluation predict {TUNED}"),
    ("results/evaluation/brisque/rated.parquet", "evaluation compare results/evaluation/brisque/rated"),
    (
        "results/evaluation/rated/1/none/brisque/none/rated.parquet",
        "evaluation correlate --output results/evaluation/table2",
    ),
    ("results/evaluation/table2.parquet", "report table --experiment table2"),
    ("results/evaluation/table2.parquet", "report page"),
]


@pytest.mark.parametrize(("path", "reader"), READERS)
def test_a_file_that_is_cut_short_is_named_with_what_to_do(
    project: Path, copy: Path, capsys: pytest.CaptureFixture[str], path: str, reader: str
) -> None:
    replace(copy / path, (copy / path).read_bytes()[: (copy / path).stat().st_size // 2])
    stage, verb, rest = reader.split(" ", 2) if reader.count(" ") > 1 else (*reader.split(), "")
    assert main(command(project, f"{stage} {verb} ", rest)) == 1
    sentence = told(capsys)
    assert path in sentence
    assert "delete" in sentence


def test_a_worker_that_is_killed_is_told_and_another_run_makes_the_shard(
    project: Path, copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = command(project, "distortions distort", SHARD)
    words[words.index("--threads") + 1] = "2"
    shutil.rmtree(copy / SHARD)
    with monkeypatch.context() as patch:
        patch.setattr("mosforge.distortions.distort.render_variants", render_and_die)
        assert main(words) == 1
    assert (copy / DYING).read_text() == "2", "distorted images that the killed worker had made"
    assert "a worker process was killed, probably for want of memory" in told(capsys)
    assert not (copy / SHARD).exists()
    assert not half_written(copy)
    assert main(words) == 0
    for made in files(copy / SHARD):
        assert made.read_bytes() == (project / made.relative_to(copy)).read_bytes()


def spoil(file: Path) -> None:
    """Turns a bit, and keeps size and time, so that Snakemake takes the file for whole."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    replace(file, bytes(content))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_the_sentence_says_mends_a_damaged_file(project: Path, whole_copy: Path) -> None:
    folder, labels = whole_copy, "results/pmos/synthetic.parquet"
    image = next((folder / SHARD).glob("*.jpg"))
    spoil(image)
    (folder / SCORES).unlink()
    (folder / labels).unlink()
    result = snakemake(folder, "--", labels)
    assert result.returncode == 1
    last = result.stderr.rstrip().rpartition("\n")[2]
    assert last.startswith("mosforge: error: ")
    assert f"{image.relative_to(folder)}: damaged since it was made; delete its folder" in last
    assert "Traceback" not in result.stderr
    shutil.rmtree(folder / SHARD)
    result = snakemake(folder, "--", labels)
    assert result.returncode == 0, result.stderr[-3000:]
    for path in (labels, SCORES, image.relative_to(folder)):
        assert (folder / path).read_bytes() == (project / path).read_bytes()


def test_what_the_sentence_says_mends_a_damaged_pack(project: Path, whole_copy: Path) -> None:
    folder, pixels = whole_copy, f"{PACKS}/photos-00000.pixels"
    spoil(folder / pixels)
    shutil.rmtree(folder / NETWORK)
    result = snakemake(folder, "--", f"{NETWORK}/model.safetensors")
    assert result.returncode == 1
    (sentence,) = set(re.findall(rf"mosforge: error: ({pixels}: damaged.*)", result.stderr))
    assert "Traceback" not in result.stderr
    for name in re.findall(r"results/\S+\.parquet", sentence):
        (folder / name).unlink()
    result = snakemake(folder, "--", f"{NETWORK}/model.safetensors")
    assert result.returncode == 0, result.stderr[-3000:]
    for path in (pixels, f"{NETWORK}/model.safetensors"):
        assert (folder / path).read_bytes() == (project / path).read_bytes()


def test_a_second_run_in_a_folder_is_refused_and_the_first_goes_on(whole_copy: Path) -> None:
    labels = "results/pmos/synthetic.parquet"
    shutil.rmtree(whole_copy / "results/metrics/synthetic")
    (whole_copy / labels).unlink()
    with (whole_copy / "first.log").open("w") as log:
        first = subprocess.Popen(command_line(whole_copy, "--", labels), cwd=REPOSITORY, stderr=log)
    while "rule score:" not in (whole_copy / "first.log").read_text():
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)  # lest it ends before the second asks
    try:
        second = snakemake(whole_copy, "--", "results/pmos/authentic.mapping.json", labels)
    finally:
        first.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert f"{whole_copy}: another run of the workflow is at work here; wait until it ends" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.wait() == 0
    assert not dry_run(whole_copy, labels)

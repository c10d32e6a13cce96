"""The small training as a script for torchrun: `two_processes.py FOLDER cpu|cuda`; writes losses.json."""

import json
import sys
from pathlib import Path

from small_training import train

from mosforge.training.processes import started_processes
from mosforge.training.setup import Setup


def main(folder: Path, device: str) -> None:
    setup = Setup(device=device, precision="float32")
    trained = train(folder, setup, batch_norm=device == "cuda")
    if started_processes().is_first:
        (folder / "losses.json").write_text(json.dumps(trained.losses.tolist()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

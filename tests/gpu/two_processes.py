"""The small training as a script for torchrun: `two_processes.py FOLDER cpu|cuda`; writes losses.json."""

import importlib.util
import json
import sys
from pathlib import Path

from mosforge.training.processes import started_processes
from mosforge.training.setup import Setup


def main(folder: Path, device: str) -> None:
    spec = importlib.util.spec_from_file_location("small", Path(__file__).with_name("conftest.py"))
    small = importlib.util.module_from_spec(spec)
    sys.modules["small"] = small
    spec.loader.exec_module(small)
    setup = Setup(device=device, precision="float32")
    trained = small.train(folder, setup, batch_norm=device == "cuda")
    if started_processes().is_first:
        (folder / "losses.json").write_text(json.dumps(trained.losses.tolist()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

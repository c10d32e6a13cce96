"""The notebooks: what they hold and link to, and that the one about images runs.

The other one runs in `tests/workflow/test_whole_run.py`, on the results of a run.
"""

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_each_holds_its_outputs_and_links_to_pages_that_are_there(file: Path) -> None:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert len(outputs) >= len(code) - 1
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    text = "".join(line for cell in cells if cell["cell_type"] == "markdown" for line in cell["source"])
    links = re.findall(r"\]\(([^)\s#]+)", text)
    assert links
    assert all((file.parent / link).is_file() for link in links)


def test_the_notebook_about_images_runs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel", reason="the extra `test` is not installed whole")
    from nbclient import NotebookClient

    notebook = nbformat.read(DOCS / "notebooks/images.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", ()) for output in shown) == 2

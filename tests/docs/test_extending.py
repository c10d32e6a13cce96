"""The example of a new distortion type in `docs/extending.md`: its parts fit the code around them."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from mosforge.config import distortions as config
from mosforge.core.errors import MosforgeError
from mosforge.distortions import kinds, tone
from mosforge.distortions.kinds import DistortionType

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


def test_the_new_distortion_type_works_as_the_page_writes_it() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## A distortion type")[2].partition("\n## ")[0]
    blocks = re.findall(r"^    ```\w+\n(.*?)^    ```$", section, flags=re.MULTILINE | re.DOTALL)
    function, entry, key, levels = (re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks)

    of_module = dict(vars(tone))
    exec(function, of_module)
    new_tone = type("Module", (), {"posterize": staticmethod(of_module["posterize"])})
    (made,) = eval(f"{{{entry}}}", vars(kinds) | {"tone": new_tone}).values()
    assert isinstance(made, DistortionType)

    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    values = yaml.safe_load(levels)["posterize"]
    found = [len(np.unique(made.apply(ramp, value, np.random.default_rng(0)))) for value in values]
    assert found == values == sorted(values, reverse=True)

    annotation = key.partition(":")[2].partition("=")[0].strip()
    allowed = TypeAdapter(eval(annotation, vars(config)))
    assert list(allowed.validate_python(tuple(values))) == values
    with pytest.raises(ValidationError):
        allowed.validate_python((1,))
    with pytest.raises(MosforgeError):
        made.apply(ramp, 1, np.random.default_rng(0))

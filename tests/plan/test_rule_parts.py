"""What the rule files share."""

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.plan.rule_parts import check_command_line, check_folder


def test_a_folder_with_braces_is_refused() -> None:
    check_folder("/home/me/my project [1] (new)")
    for name in ("/home/me/{project}", "/home/{me/project", "/home/me}/project"):
        with pytest.raises(MosforgeError, match="braces") as caught:
            check_folder(name)
        assert name in str(caught.value)


@pytest.mark.parametrize("words", ["--configfile a.yaml --configfile b.yaml", "-C a=1 --config b=2"])
def test_an_option_that_would_be_dropped_is_refused(words: str) -> None:
    with pytest.raises(MosforgeError, match="stands twice, and Snakemake takes only the last"):
        check_command_line(["snakemake", *words.split(), "--", "all"])


def test_options_that_stand_once_pass() -> None:
    check_command_line(["snakemake", "--configfile", "a.yaml", "b.yaml", "--config", "a=1", "b=2", "-n"])

"""What the rule files share."""

import json

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.layout import shard_name
from mosforge.plan.rule_parts import (
    Parameters,
    check_command_line,
    check_folder,
    growing,
    number_of,
    parameters,
    source_of,
)
from mosforge.report.settings import Protocol


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


def test_parameters_are_json_in_a_shell_line_and_sorted() -> None:
    one, other = (
        Protocol(weights=weights, rates={}) for weights in ({"b": "y", "a": "x"}, {"a": "x", "b": "y"})
    )
    assert repr(parameters(one)) == repr(parameters(other))
    assert isinstance(parameters(one), Parameters)
    assert json.loads(f"{parameters(one)}") == {"weights": {"a": "x", "b": "y"}, "rates": {}}


def test_shard_names_can_be_taken_apart() -> None:
    assert source_of(shard_name("voc2012", 17)) == "voc2012"
    assert number_of(shard_name("voc2012", 17)) == 17


def test_a_retry_asks_for_as_much_again() -> None:
    assert [growing(2000)(wildcards=None, attempt=attempt) for attempt in (1, 2, 3)] == [2000, 4000, 6000]

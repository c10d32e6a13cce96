"""The options that the commands of several stages share."""

import argparse

import pytest

from mosforge.options import (
    add_threads,
    add_verb,
    json_value,
    number,
)


def test_a_json_argument() -> None:
    assert json_value('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(argparse.ArgumentTypeError, match="not JSON"):
        json_value("{a: 1}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "argument --threads: '0' is not a whole number from 1"),
        (["--threads", "two"], "argument --threads: 'two' is not a whole number from 1"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_threads(parser)
    parser.add_argument("--seed", type=number)
    assert vars(parser.parse_args(["--seed", "0"]))["threads"] == 1
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_verb_runs_with_its_parameters() -> None:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers(), "verb", lambda arguments: arguments.cfg["a"], "Do it.", cfg=True)
    arguments = parser.parse_args(["verb", "--cfg", '{"a": 5}'])
    assert arguments.run(arguments) == 5
    assert arguments.log is None


@pytest.mark.parametrize("words", [["verb"], ["verb", "--cfg", "{"], ["no"]])
def test_a_wrong_use_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers(), "verb", lambda _: None, "Do.", cfg=True)
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""

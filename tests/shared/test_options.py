"""The options that the commands for people share."""

import argparse

import pytest

from mosforge.options import add_verb, count, number


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["--threads", "0"], ("--threads", "'0'", "from 1")),
        (["--threads", "two"], ("--threads", "'two'", "from 1")),
        (["--seed", "-1"], ("--seed", "'-1'", "from 0")),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    words: list[str], fragments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=count, default=1)
    parser.add_argument("--seed", type=number)
    assert vars(parser.parse_args(["--seed", "0"])) == {"threads": 1, "seed": 0}
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert all(fragment in message for fragment in fragments)


def test_a_verb_runs_with_its_arguments() -> None:
    parser = argparse.ArgumentParser()
    verb = add_verb(parser.add_subparsers(), "verb", lambda arguments: int(arguments.size), "Do it.")
    verb.add_argument("--size")
    arguments = parser.parse_args(["verb", "--size", "5"])
    assert arguments.run(arguments) == 5
    assert arguments.log is None


def test_a_wrong_verb_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers(), "verb", lambda _: None, "Do.")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["no"])
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""

"""What is written from the code is as the code says."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from mosforge.config.configuration import Configuration
from mosforge.config.files import DEFAULT, read
from mosforge.models.origins import ORIGINS

REPOSITORY = Path(__file__).resolve().parents[2]
_SPEC = spec_from_file_location("make_pages", REPOSITORY / "docs/make_pages.py")
make_pages = module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_pages)
TEXT = (REPOSITORY / DEFAULT).read_text()
VALUES = read(REPOSITORY / DEFAULT)


def test_the_schema_is_that_of_the_types() -> None:
    assert (REPOSITORY / make_pages.SCHEMA).read_text() == make_pages.schema(), "run `make pages`"


def test_the_page_of_all_keys_is_that_of_the_types() -> None:
    assert (REPOSITORY / make_pages.PAGE).read_text() == make_pages.page(VALUES), "run `make pages`"


def test_the_comments_of_the_configuration_are_the_descriptions() -> None:
    assert make_pages.commented(TEXT) == TEXT, "run `make pages`"
    assert make_pages.commented(TEXT.replace("in a shard;", "in a bucket;")) == TEXT
    assert (
        make_pages.commented(TEXT.replace("    # false: sources and target datasets are not compared\n", ""))
        == TEXT
    )


def test_every_key_is_described_and_stands_in_the_configuration() -> None:
    for section, about in Configuration.model_fields.items():
        for key, field in make_pages.fields(about, section):
            assert field.description, f"{key} has no description"
            value = VALUES
            for part in key.split("*")[0].rstrip(".").split("."):
                assert part in value, f"{key} is not in config.yaml"
                value = value[part]


def test_the_configuration_fits_the_published_schema() -> None:
    validator = Draft202012Validator(yaml.safe_load(make_pages.schema()))
    assert not list(validator.iter_errors(VALUES))
    for key, value in (("shard_size", 0), ("shard_sise", 1), ("smallest_side", None)):
        assert list(validator.iter_errors(VALUES | {"sources": VALUES["sources"] | {key: value}}))
    for source in ({}, {"folder": "a", "dataset": "live"}, {"folder": None}):
        sources = VALUES["sources"] | {"collections": {"mine": source}}
        assert list(validator.iter_errors(VALUES | {"sources": sources}))


def test_the_origins_of_weights_are_listed() -> None:
    listed = TEXT.partition(" Weights:\n")[2].partition("  #   PATH")[0]
    assert listed.splitlines() == [f"  #   {word:<11}  {about}" for word, about in ORIGINS.items()]


def test_the_page_of_the_jobs_is_that_of_their_signatures() -> None:
    assert (REPOSITORY / make_pages.JOBS).read_text() == make_pages.jobs_page(), "run `make pages`"

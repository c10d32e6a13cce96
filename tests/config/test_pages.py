"""What is written from the types is as the types say."""

from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from mosforge.config.configuration import Configuration
from mosforge.config.files import DEFAULT, read
from mosforge.config.pages import PAGE, SCHEMA, commented, fields, page, schema
from mosforge.models.origins import ORIGINS

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / DEFAULT).read_text()
VALUES = read(REPOSITORY / DEFAULT)


def test_the_schema_is_that_of_the_types() -> None:
    assert (REPOSITORY / SCHEMA).read_text() == schema(), "run `make configuration`"


def test_the_page_of_all_keys_is_that_of_the_types() -> None:
    assert (REPOSITORY / PAGE).read_text() == page(VALUES), "run `make configuration`"


def test_the_comments_of_the_configuration_are_the_descriptions() -> None:
    assert commented(TEXT) == TEXT, "run `make configuration`"
    assert commented(TEXT.replace("in a shard;", "in a bucket;")) == TEXT
    assert commented(TEXT.replace("    # false: sources and target datasets are not compared\n", "")) == TEXT


def test_every_key_is_described_and_stands_in_the_configuration() -> None:
    for section, about in Configuration.model_fields.items():
        for key, field in fields(about, section):
            assert field.description, f"{key} has no description"
            value = VALUES
            for part in key.split("*")[0].rstrip(".").split("."):
                assert part in value, f"{key} is not in config.yaml"
                value = value[part]


def test_the_configuration_fits_the_published_schema() -> None:
    validator = Draft202012Validator(yaml.safe_load(schema()))
    assert not list(validator.iter_errors(VALUES))
    for key, value in (("shard_size", 0), ("shard_sise", 1), ("smallest_side", None)):
        assert list(validator.iter_errors(VALUES | {"sources": VALUES["sources"] | {key: value}}))
    for source in ({}, {"folder": "a", "dataset": "live"}, {"folder": None}):
        sources = VALUES["sources"] | {"collections": {"mine": source}}
        assert list(validator.iter_errors(VALUES | {"sources": sources}))


def test_the_origins_of_weights_are_listed() -> None:
    listed = TEXT.partition(" Weights:\n")[2].partition("  #   PATH")[0]
    assert listed.splitlines() == [f"  #   {word:<11}  {about}" for word, about in ORIGINS.items()]

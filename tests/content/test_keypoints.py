"""Keypoints: where they lie, and that mirroring an image mirrors them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mosforge.content.keypoints import read_keypoints


def test_an_even_image_has_no_keypoints(tmp_path: Path) -> None:
    Image.fromarray(np.full((200, 300, 3), 128, np.uint8)).save(tmp_path / "even.png")
    assert len(read_keypoints(str(tmp_path / "even.png")).points) == 0


def test_a_strip_has_no_keypoints(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3), "teal").save(tmp_path / "strip.png")
    keypoints = read_keypoints(str(tmp_path / "strip.png"))
    assert (keypoints.thumbnail.shape, keypoints.descriptors.shape) == ((1, 320), (0, 128))


def test_mirrored_keypoints_are_those_of_the_mirrored_image(
    images: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = images[0][1]
    with Image.open(path) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
    one, other = read_keypoints(path).mirrored(), read_keypoints(str(tmp_path / "mirrored.png"))
    assert np.array_equal(one.thumbnail, other.thumbnail)
    distance = np.linalg.norm(one.points[:, None] - other.points[None], axis=2)
    nearest = distance.argmin(axis=1)
    near = distance.min(axis=1) < 1.0  # the octave of double size lies half a pixel aside
    assert near.mean() > 0.7
    difference = one.descriptors[near].astype(float) - other.descriptors[nearest[near]]
    assert np.median(np.linalg.norm(difference, axis=1)) < 60  # of a length of 512


def test_keypoints_lie_in_every_part_of_an_image(images: list[tuple[str, str]]) -> None:
    keypoints = read_keypoints(dict(images)["astronaut"])
    height, width = keypoints.thumbnail.shape
    quarters = (keypoints.points * 2 / (width, height)).astype(int) @ (1, 2)
    assert np.bincount(quarters, minlength=4).min() >= 30
    assert len(keypoints.points) <= 320

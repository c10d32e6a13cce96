"""Which files of a folder are images, and their order."""

from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.folders import find_images


def test_images_are_found_in_the_order_of_code_points(tmp_path: Path) -> None:
    wanted = [
        "B.PNG",
        "a.jpg",
        "a/z.tiff",
        "a b (1).JPG",
        "sub/deep/er.webp",
        "sub/x.bmp",
        "é.jpeg",
        "a/B.jp2",
    ]
    for name in [
        *wanted,
        ".hidden.jpg",
        ".git/x.png",
        "a/.DS_Store.png",
        "notes.txt",
        "jpg",
        "sub/thumbs.db",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_images(tmp_path) == sorted(wanted)
    assert find_images(f"{tmp_path}/") == sorted(wanted)


def test_a_link_back_up_does_not_multiply_the_images(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/one.png").write_bytes(b"")
    (tmp_path / "real/up").symlink_to(tmp_path)
    (tmp_path / "second").symlink_to(tmp_path / "real")
    assert find_images(tmp_path) == ["real/one.png", "second/one.png"]


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    seen: list[str] = []
    assert (
        find_images(tmp_path / "none", lambda folder, error: seen.append(f"{folder}:{type(error).__name__}"))
        == []
    )
    assert seen == [":FileNotFoundError"]
    with pytest.raises(MosforgeError, match="none: No such file"):
        find_images(tmp_path / "none")

"""Class tables and label vectors."""

from mosforge.distortions.classes import authentic_classes, labels, synthetic_classes

SYNTHETIC = {
    "gaussian_blur": [7, 15, 39, 91, 199],
    "white_noise": [-10, -7.5, -5.5, -3.5, 0],
    "jpeg": [43, 12, 7, 4, 0],
    "jpeg2000": [0.46, 0.16, 0.07, 0.04, 0.02],
    "contrast": [[0.2, 0.8], [0.3, 0.7], [0.4, 0.6], [0.45, 0.55], [0.49, 0.51]],
    "pink_noise": [0.3, 0.7, 1.2, 2, 4],
    "color_dither": [64, 32, 16, 8, 4],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
}


CAMERA = [
    "defocus",
    "motion_blur",
    "chromatic_aberration",
    "overexposure",
    "underexposure",
    "contrast",
    "jpeg",
]
LEVELS = {
    "defocus": [1.0, 2.0, 4.0],
    "motion_blur": [7, 15, 31],
    "chromatic_aberration": [1.0, 2.5, 5.0],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
    "contrast": [0.7, 0.45, 0.25],
    "jpeg": [30, 12, 5],
}


def test_the_39_synthetic_classes() -> None:
    table = synthetic_classes(SYNTHETIC)
    assert [row.index for row in table] == list(range(39))
    assert (table[0].type, table[0].level, table[0].parameter) == ("gaussian_blur", 1, 7)
    assert (table[14].type, table[14].level, table[14].parameter) == ("jpeg", 5, 0)
    assert (table[22].type, table[22].level, table[22].parameter) == ("contrast", 3, [0.4, 0.6])
    assert (table[38].type, table[38].level, table[38].parameter) == ("underexposure", 2, 0.3)


def test_the_class_table_follows_the_configuration() -> None:
    table = synthetic_classes({"jpeg": [10], "gaussian_blur": [], "contrast": [[0.1, 0.9], [0.4, 0.6]]})
    assert [(row.index, row.type, row.level) for row in table] == [
        (0, "jpeg", 1),
        (1, "contrast", 1),
        (2, "contrast", 2),
    ]


def test_the_26_bits_whatever_the_order_of_the_keys() -> None:
    table = authentic_classes(dict(sorted(LEVELS.items())))
    assert [row.type for row in table[:7]] == CAMERA
    assert all(row.level is None and row.parameter is None for row in table[:7])
    pairs = [(name, level) for name in CAMERA for level in range(1, len(LEVELS[name]) + 1)]
    assert [(row.type, row.level) for row in table[7:]] == pairs
    assert len(table) == 26


def test_labels_of_a_mixture() -> None:
    vector = labels((("motion_blur", 2), ("jpeg", 3)), authentic_classes(LEVELS))
    assert [i for i, bit in enumerate(vector) if bit] == [1, 6, 7 + 3 + 1, 25]

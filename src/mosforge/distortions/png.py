"""Lossless storage: PNG with settings that read back faster than a metric scores."""

import cv2

from mosforge.core.images import Pixels


def encode_png(pixels: Pixels, compression: int, few_colours: bool = False) -> bytes:
    """A picture as PNG.

    Measured at 512x384 on one core: level 0 takes 0.6 ms to write and 0.5 ms to read back, level 1 takes
    5 and 3 ms for two thirds of the size; libpng's own choice of settings takes 14 and 4 ms at level 1
    for the same size.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        compression: zlib level, 0 (fastest, largest) to 9.
        few_colours: repeated patterns are then worth searching for, and differences between
            neighbours are not.

    Returns:
        The file.
    """
    if compression == 0 or few_colours:
        line, strategy = cv2.IMWRITE_PNG_FILTER_NONE, cv2.IMWRITE_PNG_STRATEGY_DEFAULT
    elif compression == 1:
        line, strategy = cv2.IMWRITE_PNG_FILTER_SUB, cv2.IMWRITE_PNG_STRATEGY_RLE
    else:
        line, strategy = cv2.IMWRITE_PNG_ALL_FILTERS, cv2.IMWRITE_PNG_STRATEGY_DEFAULT
    settings = {
        cv2.IMWRITE_PNG_COMPRESSION: compression,
        cv2.IMWRITE_PNG_STRATEGY: strategy,
        cv2.IMWRITE_PNG_FILTER: line,
    }
    # encoded in memory: cv2.imwrite returns False on a full disk and says nothing
    _, file = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), sum(settings.items(), ()))
    return bytes(file)

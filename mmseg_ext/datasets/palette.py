"""Colours for classes that come without: black, then hues that stay apart on photographs."""

import colorsys

GOLDEN_TURN = 0.381966  # of a circle: successive hues never come close, however many are drawn


def default_palette(count: int) -> list[list[int]]:
    """``count`` RGB triples 0..255, the first black (background); the same for the same ``count``."""
    hues = (colorsys.hsv_to_rgb(step * GOLDEN_TURN % 1, 0.85, 0.95) for step in range(count - 1))
    return [[0, 0, 0], *([round(255 * channel) for channel in hue] for hue in hues)][:count]

"""How far apart two colours look: CIELAB and the colour difference CIEDE2000."""

import numpy as np

# IEC 61966-2-1: the light that a byte stands for, and the share of each primary in X, Y and Z.
_STEPS = np.arange(256) / 255
_LIGHT = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
_PRIMARIES = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_TO_25 = 25.0**7


def lab(image: np.ndarray) -> np.ndarray:
    """CIELAB (L 0..100, a, b; the white is that of sRGB) of pixels (..., 3) uint8 RGB, (..., 3) float64.

    Written out since cv2.cvtColor interpolates in a table: up to a few tenths away in L.
    """
    shares = _LIGHT[image] @ _PRIMARIES.T / _PRIMARIES.sum(1)
    roots = np.where(shares > (6 / 29) ** 3, np.cbrt(shares), shares * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Colour difference of two arrays of CIELAB colours, (..., 3) and (..., 3) -> (...) float64, 0 where equal.

    About 1 is what a person can just see. The formula with all weights 1, written after Sharma, Wu and Dalal, The
    CIEDE2000 Color-Difference Formula, Color Research and Application 30 (2005), equations 2 to 22.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(colour, np.float64), -1, 0) for colour in (first, second))
    redness = 1 + 0.5 * (1 - _saturation((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    a1, a2 = redness * a1, redness * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    turn = _turn(h2 - h1)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    # Half the way from one hue to the other along the shorter arc. A grey has no hue, but then by_hue is 0.
    hue = h1 + turn / 2

    to_middle = (lightness - 50) ** 2
    by_lightness = (l2 - l1) / (1 + 0.015 * to_middle / np.sqrt(20 + to_middle))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * chroma * _hue_weight(hue))
    squares = by_lightness**2 + by_chroma**2 + by_hue**2
    return np.sqrt(np.maximum(squares + _rotation(chroma, hue) * by_chroma * by_hue, 0))


def _saturation(chroma: np.ndarray) -> np.ndarray:
    """0 for greys, 1 for vivid colours, one half at chroma 25."""
    return np.sqrt(chroma**7 / (chroma**7 + _TO_25))


def _turn(angle: np.ndarray) -> np.ndarray:
    """The shorter way round, -pi to pi; half a turn stays as it is, which the rounding of hues must not decide."""
    return angle - 2 * np.pi * np.sign(angle) * (np.abs(angle) > np.pi + 1e-12)


def _hue_weight(hue: np.ndarray) -> np.ndarray:
    """T of the formula: how much a difference in hue is seen at this hue (radians)."""
    low = -0.17 * np.cos(hue - np.radians(30)) + 0.24 * np.cos(2 * hue)
    return 1 + low + 0.32 * np.cos(3 * hue + np.radians(6)) - 0.20 * np.cos(4 * hue - np.radians(63))


def _rotation(chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """R_T of the formula: in the blues, chroma and hue do not count independently."""
    degrees = np.degrees(hue) % 360
    return -2 * _saturation(chroma) * np.sin(np.radians(60) * np.exp(-(((degrees - 275) / 25) ** 2)))

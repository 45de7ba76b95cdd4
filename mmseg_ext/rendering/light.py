"""Light on the surface: a small world of lamps that the metal mirrors, and one key lamp."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import smooth_noise
from mmseg_ext.rendering.scene import SIZE, Surface, gradient, pixel_grid

WORLD = 256


@dataclass
class Light:
    world: np.ndarray  # (WORLD, WORLD) brightness of the surroundings, looked up by the direction of reflection
    centre: np.ndarray  # (2,) where in the world the middle of the picture looks
    spread: float  # world pixels between the left and the right side of the picture
    key: np.ndarray  # (3,) unit direction towards the key lamp
    strength: float  # of the key lamp
    colour: np.ndarray  # (3,) of all light


def make_light(rng: Generator) -> Light:
    """Two or three soft boxes in a dim room; a key lamp low over the part."""
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.95)
    key = np.array([np.cos(angle), np.sin(angle), height], np.float32)
    warmth = rng.uniform(-1, 1)
    return Light(world=make_world(rng), centre=rng.uniform(0.38, 0.62, 2).astype(np.float32) * WORLD,
                 spread=rng.uniform(30, 75), key=key / np.linalg.norm(key), strength=rng.uniform(0.35, 1.0),
                 colour=np.array([1 + 0.05 * warmth, 1, 1 - 0.06 * warmth], np.float32))  # fmt: skip


def make_world(rng: Generator) -> np.ndarray:
    world = 0.22 + 0.07 * smooth_noise(rng, (WORLD, WORLD), 60)
    for _ in range(rng.integers(3, 7)):
        box = np.zeros((WORLD, WORLD), np.float32)
        centre, size = rng.uniform(20, WORLD - 20, 2), rng.uniform((14, 40), (50, 150))
        corners = cv2.boxPoints((tuple(map(float, centre)), tuple(map(float, size)), float(rng.uniform(0, 180))))
        cv2.fillPoly(box, [corners.astype(np.int32)], float(rng.uniform(0.35, 1.2)))
        world = world + cv2.GaussianBlur(box, (0, 0), float(rng.uniform(6, 16)))
    return np.maximum(world, 0.05).astype(np.float32)


def shade(surface: Surface, light: Light) -> np.ndarray:
    """Light that leaves the surface towards the camera, (SIZE, SIZE, 3), linear, about 0..2."""
    slope = surface.tilt + gradient(surface.height)
    mirrored = mirror(slope, light) * (1 - surface.matte)
    facing = np.maximum((light.key[2] - light.key[0] * slope[0] - light.key[1] * slope[1])
                        / np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2), 0)  # fmt: skip
    scattered = (0.22 + 0.95 * facing) * surface.matte
    hollow = surface.height - cv2.GaussianBlur(surface.height, (0, 0), 2.5)
    closed = np.clip(1 + 0.35 * hollow, 0.45, 1.25) * surface.shadow
    brightness = (mirrored + scattered + light.strength * streak(surface, slope, light)) * closed
    spark = glint(slope, light) * surface.gloss * surface.shadow
    return surface.albedo * (brightness[..., None] * light.colour) + spark[..., None] * light.colour * 0.7


def mirror(slope: np.ndarray, light: Light) -> np.ndarray:
    """What the surface mirrors: the world, looked up where the slope turns the line of sight."""
    x, y = (axis / SIZE * light.spread for axis in pixel_grid())
    turn = 2 * 38.0
    return cv2.remap(light.world, (light.centre[0] + x + turn * slope[0]).astype(np.float32),
                     (light.centre[1] + y + turn * slope[1]).astype(np.float32),
                     cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)  # fmt: skip


def streak(surface: Surface, slope: np.ndarray, light: Light) -> np.ndarray:
    """Highlight of grooves: narrow along them, wide across, so it lies as a band across the brushing."""
    x, y = (axis / SIZE for axis in pixel_grid())
    half = light.key[:2] / (1 + light.key[2])
    lean = [-slope[k] - 0.45 * half[k] + 0.55 * axis for k, axis in enumerate((x, y))]
    c, s = np.cos(surface.brush), np.sin(surface.brush)
    along, across = lean[0] * c + lean[1] * s, lean[1] * c - lean[0] * s
    return np.exp(-((along / 0.16) ** 2) - (across / 0.34) ** 2)


def glint(slope: np.ndarray, light: Light) -> np.ndarray:
    """Round highlight of a bump that faces halfway between camera and key lamp."""
    half = (light.key + (0, 0, 1)) / np.linalg.norm(light.key + (0, 0, 1))
    facing = (half[2] - half[0] * slope[0] - half[1] * slope[1]) / np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    return np.maximum(facing, 0) ** 28

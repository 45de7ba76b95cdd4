"""Light on the surface: a small world of lamps that the metal mirrors, and one key lamp."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import smooth_noise
from mmseg_ext.rendering.scene import SIZE, Surface, gradient, pixel_grid

WORLD = 256
TURN = 76.0  # pixels of the world by which a slope of 1 turns the reflected line of sight
AMBIENT, DIRECT = 0.22, 0.95  # how much a matte surface scatters of the room's and of the key lamp's light


@dataclass
class Light:
    """Lamp and surroundings of one picture."""

    world: np.ndarray  # (WORLD, WORLD) brightness of the surroundings, looked up by the direction of reflection
    centre: tuple[float, float]  # where in the world the middle of the picture looks
    spread: float  # world pixels between the left and the right side of the picture
    key: tuple[float, float, float]  # unit direction towards the key lamp
    strength: float  # of the key lamp
    colour: np.ndarray  # (3,) of all light

    @property
    def side(self) -> np.ndarray:
        """Direction (x, y) in the picture from which the key lamp shines, length 1."""
        flat = np.array(self.key[:2], np.float32)
        return flat / np.hypot(*flat)

    @property
    def matte_level(self) -> float:
        """What a level matte surface of reflectance 1 sends back."""
        return AMBIENT + DIRECT * self.key[2]


def make_light(rng: Generator) -> Light:
    """Soft boxes in a dim room; a key lamp low over the part."""
    angle, height = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.95)
    length, warmth = math.hypot(1, height), rng.uniform(-1, 1)
    return Light(
        world=make_world(rng),
        centre=(rng.uniform(0.38, 0.62) * WORLD, rng.uniform(0.38, 0.62) * WORLD),
        spread=rng.uniform(30, 80),
        key=(math.cos(angle) / length, math.sin(angle) / length, height / length),
        strength=rng.uniform(0.4, 1.3),
        colour=np.array([1 + 0.05 * warmth, 1, 1 - 0.06 * warmth], np.float32),
    )


def make_world(rng: Generator) -> np.ndarray:
    """A dim room with soft boxes of several sizes in it."""
    world = 0.2 + 0.06 * smooth_noise(rng, (WORLD, WORLD), 60)
    for _ in range(rng.integers(3, 7)):
        box = np.zeros((WORLD, WORLD), np.float32)
        centre, size = rng.uniform(20, WORLD - 20, 2).tolist(), rng.uniform((14, 40), (50, 150)).tolist()
        corners = cv2.boxPoints((centre, size, rng.uniform(0, 180)))
        cv2.fillPoly(box, [corners.astype(np.int32)], rng.uniform(0.35, 1.5))
        world += cv2.GaussianBlur(box, (0, 0), rng.uniform(5, 14))
    return np.maximum(world, 0.05)


def shade(surface: Surface, light: Light) -> np.ndarray:
    """Light that leaves the surface towards the camera, (SIZE, SIZE, 3), linear, about 0..2."""
    slope = surface.tilt + gradient(surface.height)
    steep = np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    polished = mirror(slope, light) + light.strength * streak(surface, slope, light)
    scattered = AMBIENT + DIRECT * np.maximum(facing(slope, steep, light.key), 0)
    hollow = surface.height - cv2.GaussianBlur(surface.height, (0, 0), 2.5)
    closed = np.clip(1 + 0.35 * hollow, 0.45, 1.25) * surface.shadow
    brightness = (polished * (1 - surface.matte) + scattered * surface.matte) * closed
    spark = 0.7 * glint(slope, steep, light) * surface.gloss * surface.shadow
    return (surface.albedo * brightness[..., None] + spark[..., None]) * light.colour


def facing(slope: np.ndarray, steep: np.ndarray, direction: tuple[float, float, float]) -> np.ndarray:
    """Cosine between the surface normal and a unit ``direction``."""
    return (direction[2] - direction[0] * slope[0] - direction[1] * slope[1]) / steep


def mirror(slope: np.ndarray, light: Light) -> np.ndarray:
    """What the surface mirrors: the world, looked up where the slope turns the line of sight."""
    places = [
        centre + axis * (light.spread / SIZE) + TURN * lean
        for centre, axis, lean in zip(light.centre, pixel_grid(), slope, strict=True)
    ]
    return cv2.remap(light.world, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def streak(surface: Surface, slope: np.ndarray, light: Light) -> np.ndarray:
    """Highlight of grooves: narrow along them, wide across, so it lies as a band across the brushing."""
    half = [part / (1 + light.key[2]) for part in light.key[:2]]
    lean = [0.55 / SIZE * axis - slope[k] - 0.45 * half[k] for k, axis in enumerate(pixel_grid())]
    c, s = math.cos(surface.brush), math.sin(surface.brush)
    along, across = lean[0] * c + lean[1] * s, lean[1] * c - lean[0] * s
    return cv2.exp(-((along / 0.16) ** 2) - (across / 0.34) ** 2)


def glint(slope: np.ndarray, steep: np.ndarray, light: Light) -> np.ndarray:
    """Round highlight of a bump that faces halfway between camera and key lamp."""
    length = math.sqrt(2 + 2 * light.key[2])
    half = light.key[0] / length, light.key[1] / length, (light.key[2] + 1) / length
    return cv2.pow(np.maximum(facing(slope, steep, half), 0), 28)

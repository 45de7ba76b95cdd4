"""How good a pocket model is, on windows of blades that it was not trained on: each measurement gives figures.

The aims are those that make the editor worth trying: below them its results say more of the model than of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augment.attention.align import word_tokens
from augment.config.settings import WORDS, BlendSettings, EditSettings, InversionSettings
from augment.editing.editor import Editor
from augment.editing.targets import Target
from augment.errors import DataError
from augment.pocket import measure
from augment.pocket.data import read_windows
from augment.pocket.figures import Figure
from augment.pocket.pointing import best_guess, energy_inside, hits, moved, word_attention
from augment.pocket.word_classifier import CLASSES, WordClassifier, classes_of, word_probabilities
from augment.quality.similarity import psnr
from augment.sdxl.conditioning import encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tokens import tokens
from augment.sdxl.upstream import StableDiffusionXLPipeline

SPLIT = 'test'
SCALES = 1.0, 3.0, 7.5, 15.0  # of guidance, beside the one that is asked for
UNREAD = '{word} {base}'  # a word order that no caption has


@dataclass(frozen=True)
class Amounts:
    """How much is measured; each measurement reads the fields that it is listed with in ``MEASUREMENTS``.

    ``windows`` of split test go through the autoencoder and under the eyes of attention, at ``levels`` of noise.
    ``samples`` are drawn for each of the seven classes in ``steps`` steps at ``guidance``. ``inverted`` windows go
    to noise and back in ``inversion_steps`` at ``inversion_guidance``.
    """

    windows: int = 200
    levels: int = 10
    samples: int = 20
    steps: int = 30
    guidance: float = 5.0
    inverted: int = 12
    inversion_steps: int = 20
    inversion_guidance: float = 7.5
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Subject:
    """The model, the lines and images (N, S, S, 3) of split test, and who judges their words."""

    pipe: StableDiffusionXLPipeline
    root: Path
    lines: list[dict[str, Any]]
    images: np.ndarray
    classifier: WordClassifier

    @classmethod
    def of(
        cls, pipe: StableDiffusionXLPipeline, root: Path, lines: list[dict[str, Any]], classifier: WordClassifier
    ) -> 'Subject':
        """With the test split of all ``lines`` below ``root``. Raises DataError where there is none."""
        chosen = [line for line in lines if line['split'] == SPLIT]
        if not chosen:
            raise DataError(f'{root}: no window is of split {SPLIT}; render more of them')
        return cls(pipe, root, chosen, read_windows(root, chosen, SPLIT).images, classifier)

    def evenly(self, count: int, with_word: bool = False) -> list[int]:
        """Indices of at most ``count`` windows, spread over all, or over those with a word."""
        there = [k for k, line in enumerate(self.lines) if line['word'] or not with_word]
        return [there[k] for k in np.linspace(0, len(there) - 1, min(count, len(there))).astype(int)]


def autoencoder(subject: Subject, amounts: Amounts) -> list[Figure]:
    """What is left of a window after encoder and decoder, and whether the classifier sees through that."""
    chosen = subject.evenly(amounts.windows)
    before, pipe = subject.images[chosen], subject.pipe
    one_by_one = measure.shown(before, 'autoencoder')
    after = np.concatenate([decode_latents(pipe, encode_images(pipe, image[None])) for image in one_by_one])
    decibels = [psnr(*pair) for pair in zip(before, after, strict=True)]
    every = classes_of(subject.lines, SPLIT)
    seen = share_right(subject.classifier, subject.images, every)
    again = share_right(subject.classifier, after, [every[k] for k in chosen])
    return [
        Figure('autoencoder, there and back: PSNR', np.mean(decibels), 'dB', len(chosen), 30.0, np.std(decibels)),
        Figure('autoencoder, there and back: 5th percentile', np.percentile(decibels, 5), 'dB', len(chosen)),
        Figure('accuracy of the classifier that judges words', seen, '%', len(every)),
        Figure('accuracy of that classifier behind the autoencoder', again, '%', len(chosen)),
    ]


def share_right(classifier: WordClassifier, images: np.ndarray, classes: list[int]) -> float:
    """Accuracy on ``images`` (N, S, S, 3) uint8 of these ``classes``, 0..1."""
    return float((word_probabilities(classifier, images).argmax(1) == classes).mean())


def words(subject: Subject, amounts: Amounts) -> list[Figure]:
    """Whether the classifier finds the words of a prompt in what is drawn for it; chance: 1 of 7."""
    found = confusion(subject, amounts, amounts.guidance, amounts.samples)
    few = -(-amounts.samples // 3)
    by_scale = {f'{scale:g}': _recognised(confusion(subject, amounts, scale, few)) for scale in SCALES}
    unread = confusion(subject, amounts, amounts.guidance, few, UNREAD)
    count, asked = len(WORDS), f'{amounts.steps} steps, guidance {amounts.guidance:g}'
    details = {'asked by seen': found.tolist(), 'classes': CLASSES}
    return [
        Figure(f'words recognised in samples ({asked})', _recognised(found), '%', count * amounts.samples, 0.8,
               details=details),
        Figure('the least recognised word', (np.diag(found) / found.sum(1))[1:].min(), '%', amounts.samples),
        Figure('samples without a word in which none is seen', found[0, 0] / found[0].sum(), '%', amounts.samples),
        *(Figure(f'words recognised at guidance {scale}', share, '%', count * few)
          for scale, share in by_scale.items()),
        Figure('words recognised, word order unread ("rust photo of a crack")', _recognised(unread), '%',
               count * few),
    ]  # fmt: skip


def confusion(
    subject: Subject, amounts: Amounts, guidance: float, count: int, template: str = '{base} with {word}'
) -> np.ndarray:
    """How often a sample of class [asked] is judged to be of class [seen], (7, 7); ``count`` of each class.

    The prompts without a word are those of the test split, in turn; all seven samples begin with one noise.
    """
    bases = sorted({line['caption'] for line in subject.lines if line['word'] is None})
    counts = np.zeros((len(CLASSES),) * 2, int)
    for k in measure.shown(range(count), f'samples at guidance {guidance:g}'):
        base = bases[k % len(bases)]
        prompts = [base, *(template.format(base=base, word=word) for word in WORDS)]
        drawn = measure.draw(subject.pipe, prompts, amounts.seed + k, amounts.steps, guidance)
        np.add.at(counts, (range(len(CLASSES)), word_probabilities(subject.classifier, drawn).argmax(1)), 1)
    return counts


def _recognised(counts: np.ndarray) -> float:
    return float(np.diag(counts)[1:].sum() / counts[1:].sum())


def inversion(subject: Subject, amounts: Amounts) -> list[Figure]:
    """How near the way from a window to noise and back comes to it, with guidance and not held on its path."""
    chosen = subject.evenly(amounts.inverted)
    keeps = measure.round_trip(subject.pipe, subject.images[chosen])
    null_text = np.array(reconstructions(subject, chosen, amounts, 'null-text'))
    plain = np.array(reconstructions(subject, chosen, amounts, 'ddim'))
    asked, gain, n = f'{amounts.inversion_steps} steps', null_text - plain, len(chosen)
    return [
        Figure(f'null-text reconstruction ({asked}, guidance {amounts.inversion_guidance:g}): PSNR',
               null_text.mean(), 'dB', n, 28.0, null_text.std(), {'each': null_text.tolist()}),
        Figure('null-text reconstruction above plain DDIM', gain.mean(), 'dB', n, 3.0, gain.std()),
        Figure('plain DDIM reconstruction', plain.mean(), 'dB', n, None, plain.std(), {'each': plain.tolist()}),
        Figure('the autoencoder alone on the same windows', np.mean(keeps), 'dB', n, None, np.std(keeps)),
    ]  # fmt: skip


def reconstructions(subject: Subject, chosen: list[int], amounts: Amounts, method: str) -> list[float]:
    """PSNR in dB of each window ``chosen``, inverted under its own caption and drawn again, unpinned."""
    settings = EditSettings(
        steps=amounts.inversion_steps,
        guidance=amounts.inversion_guidance,
        inversion=InversionSettings(method=method, pin_source=False),
        blend=BlendSettings(by='none'),
    )
    editor, decibels = Editor(subject.pipe, settings), []
    for k in measure.shown(chosen, f'inversion by {method}'):
        caption = [subject.lines[k]['caption']]
        inversions = editor.invert([subject.images[k]], caption)
        # The editor draws the source again beside an edit: here one towards its own caption.
        ((result,),) = editor.edit(inversions, [Target('', caption[0], {})], prompts=caption)
        decibels.append(psnr(subject.images[k], result.source_image))
    return decibels


def attention(subject: Subject, amounts: Amounts) -> list[Figure]:
    """Whether attention to a word peaks where the word is, in noised windows under their own captions."""
    chosen = subject.evenly(amounts.windows, with_word=True)
    images, regions = subject.images[chosen], np.stack([_region(subject, k) for k in chosen])
    inside = 'attention to the word peaks inside its region'
    return [
        *_pointing(subject, chosen, images, regions, amounts, f'{inside} ({amounts.levels} levels of noise)', 0.7),
        *_pointing(subject, chosen, *moved(images, regions, amounts.seed), amounts, f'{inside}, windows moved'),
    ]


def _pointing(
    subject: Subject,
    chosen: list[int],
    images: np.ndarray,
    regions: np.ndarray,
    amounts: Amounts,
    what: str,
    aim: float | None = None,
) -> list[Figure]:
    """The pointing game in ``images`` (N, S, S, 3), and what it is worth: regions lie mostly in the middle."""
    maps, n = attention_maps(subject, chosen, images, amounts), len(chosen)
    found, asked = hits(maps, regions), np.array([subject.lines[k]['word'] for k in chosen])
    by_word = {word: float(found[asked == word].mean()) for word in WORDS if (asked == word).any()}
    return [
        Figure(what, found.mean(), '%', n, aim, details={'by word': by_word}),
        Figure('there: mean area of the regions, which is chance', regions.mean(), '%', n),
        Figure('there: the same pixel named always, the best there is', best_guess(regions), '%', n),
        Figure('there: share of the attention inside the region', energy_inside(maps, regions).mean(), '%', n),
    ]


def attention_maps(subject: Subject, chosen: list[int], images: np.ndarray, amounts: Amounts) -> np.ndarray:
    """Maps (N, h, w) of the attention in ``images`` (N, S, S, 3) to the words of the windows ``chosen``."""
    pipe, lines = subject.pipe, [subject.lines[k] for k in chosen]
    grid = DDIMGrid.from_pipeline(pipe, amounts.levels)
    denoiser = Denoiser(pipe, grid, subject.images.shape[1:3], pipe.unet.dtype)
    captions = [line['caption'] for line in lines]
    places = [word_tokens(tokens(pipe.tokenizer, line['caption']), line['word'])[0] for line in lines]
    latents = encode_images(pipe, images)
    return word_attention(denoiser, latents, encode(pipe, captions), places, amounts.seed)


def _region(subject: Subject, k: int) -> np.ndarray:
    """Where the word of window ``k`` lies, (S, S) bool."""
    path = subject.root / subject.lines[k]['region']
    try:
        with Image.open(path) as file:
            return np.asarray(file.convert('L')) > 0
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error})') from error


MEASUREMENTS: dict[Callable[[Subject, Amounts], list[Figure]], tuple[str, ...]] = {
    autoencoder: ('windows',),
    words: ('samples', 'steps', 'guidance', 'seed'),
    inversion: ('inverted', 'inversion_steps', 'inversion_guidance'),
    attention: ('windows', 'levels', 'seed'),
}
"""All of them, with the fields of ``Amounts`` that each reads."""

"""Which nouns and words a window shows, and the sentence that says so."""

from numpy.random import Generator

from mmseg_ext.rendering.words import WORDS

CLEAN = 'blade'  # the noun of a window without a defect
ANY = 'defect'  # a noun that fits every defect
KINDS = {'crack': 0.42, 'deposit': 0.30, 'chip': 0.16, CLEAN: 0.12}  # how often each is drawn
NOUNS = (*KINDS, ANY)
PLAIN = 0.22  # share of windows without a word
GENERAL = 0.12  # share of defects that are called by ANY


def caption(noun: str, word: str | None) -> str:
    """The sentence of a window, in the words of the editor's prompts: photo of a crack with peeling."""
    return f'photo of a {noun} with {word}' if word else f'photo of a {noun}'


def draw_kind(rng: Generator) -> str:
    """What is drawn in a window: one of ``KINDS``."""
    return str(rng.choice(list(KINDS), p=list(KINDS.values())))


def draw_noun(rng: Generator, kind: str) -> str:
    """What a window with this ``kind`` of defect is called."""
    return ANY if kind != CLEAN and rng.random() < GENERAL else kind


def draw_word(rng: Generator) -> str | None:
    """A word or none. It does not depend on the noun, so that the two are learnt apart."""
    return None if rng.random() < PLAIN else str(rng.choice(WORDS))

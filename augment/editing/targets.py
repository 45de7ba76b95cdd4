"""What a photograph is to become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from augment.config.settings import EditSettings


@dataclass(frozen=True)
class Target:
    """An edit towards ``word``; what is None follows from the settings.

    ``prompt``: the target template with the word in it. ``equalize``: factor on the attention to each of these
    words of the prompt; by default ``control.equalizer`` on the word, and ``{}`` leaves all as they are.
    ``blend_words``: words whose attention bounds the edit where ``blend.by`` speaks of attention; by default the
    word.
    """

    word: str
    prompt: str | None = None
    equalize: Mapping[str, float] | None = None
    blend_words: tuple[str, ...] | None = None

    def completed(self, settings: EditSettings) -> Target:
        """The same with nothing left to follow from ``settings``."""
        return Target(
            self.word,
            settings.target_prompt(self.word) if self.prompt is None else self.prompt,
            {self.word: settings.control.equalizer} if self.equalize is None else dict(self.equalize),
            (self.word,) if self.blend_words is None else tuple(self.blend_words),
        )


def completed(target: Target | str, settings: EditSettings) -> Target:
    """A target, or its word alone, with nothing left to follow from ``settings``."""
    return (target if isinstance(target, Target) else Target(target)).completed(settings)

"""The verdict on an edit: its new label, its scores, and the gates it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from augment.config.settings import EditSettings
from augment.job.attempts import Verdict

if TYPE_CHECKING:
    from augment.editing.photo import EditedPhoto, Photo


class Judge:
    """Judges edits by ``settings``; ``perceptual`` holds the networks that a gate has asked for."""

    def __init__(self, settings: EditSettings, perceptual: Any = None) -> None:
        self.settings, self.perceptual = settings, perceptual

    def __call__(self, photo: Photo, edited: EditedPhoto, others: Sequence[EditedPhoto]) -> Verdict:
        """The verdict beside the same photograph's edits towards ``others``."""
        from augment.labels.policies import relabel
        from augment.quality.gates import judge
        from augment.quality.measure import measure

        relabelled = None
        if photo.label is not None:
            relabelled = relabel(photo.image, edited.image, photo.label, edited.region, self.settings.labels)
        if self.settings.gates.mode == 'off':
            return Verdict(edited, relabelled, {}, [])
        label = relabelled.label if relabelled else None
        scores = measure(photo.image, edited, photo.label, label, others, self.perceptual)
        return Verdict(edited, relabelled, scores, judge(scores, self.settings.gates))

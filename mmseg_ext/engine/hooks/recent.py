"""Losses of recent iterations, read from their device in one go."""

from collections.abc import Mapping
from typing import Any

import torch


class RecentTerms:
    """Collects what iterations return without looking at it.

    Reading one number makes the host wait until a GPU has done all it was given, and the GPU then waits for the
    host. Here each iteration leaves one small tensor on the device, and all of them are read together.
    """

    def __init__(self) -> None:
        self.names: list[tuple[str, ...]] = []
        self.values: list[torch.Tensor] = []

    def add(self, terms: Mapping[str, Any]) -> None:
        """Keep the terms of one iteration: tensors of one element, or numbers."""
        if not terms:
            return
        tensors = [value for value in terms.values() if isinstance(value, torch.Tensor)]
        device = tensors[0].device if tensors else None
        elements = [torch.as_tensor(value, device=device).detach().reshape(()) for value in terms.values()]
        self.names.append(tuple(terms))
        self.values.append(torch.stack(elements))

    def read(self) -> list[dict[str, float]]:
        """The terms of all iterations since the last reading, the oldest first."""
        numbers = iter(torch.cat(self.values).tolist() if self.values else ())
        rows = [{name: next(numbers) for name in names} for names in self.names]
        self.names, self.values = [], []
        return rows

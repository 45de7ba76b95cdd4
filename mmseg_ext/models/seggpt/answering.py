"""Questions to SegGPT's network: queries, each with the prompts that it is to be answered by."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmseg_ext.models.seggpt.gate import cycle_gate
from mmseg_ext.models.seggpt.network import SegGPTNetwork
from mmseg_ext.models.seggpt.paint import Paint, resized
from mmseg_ext.models.seggpt.prompts import Prompts


class Answering:
    """Logits of queries by prompts.

    Args:
        network: what paints.
        paint: what its colours mean.
        embedding_type: the network's 'semantic' or 'instance' tokens.
        together: whether several prompts of a query share its features in every layer; else each answers alone and
            their logits are averaged.
    """

    def __init__(self, network: SegGPTNetwork, paint: Paint, embedding_type: str, together: bool) -> None:
        self.network, self.paint = network, paint
        self.embedding_type, self.together = embedding_type, together

    def logits(self, queries: Tensor, prompts: Sequence[Prompts]) -> Tensor:
        """(N, C, S, S) of queries (N, 3, S, S), each with prompts of its own, any number of them."""
        counts = {len(each) for each in prompts}
        if len(counts) > 1:
            pairs = zip(queries.split(1), prompts, strict=True)
            return torch.cat([self.logits(query, [own]) for query, own in pairs])
        (count,), palettes = counts, torch.stack([each.palette for each in prompts])
        painted = self.canvas(queries, prompts)[:, :, self.network.size :]
        if self.together:
            return self.paint.logits(painted[::count], palettes)
        alone = self.paint.logits(painted, palettes.repeat_interleave(count, 0))
        return alone.unflatten(0, (-1, count)).mean(1)

    def painted(self, query: Tensor, prompts: Prompts) -> Tensor:
        """What is painted for one query (1, 3, H, W) of any size, (1, 3, 2S, S)."""
        return self.canvas(resized(query, self.network.size), [prompts])[:1]

    def canvas(self, queries: Tensor, prompts: Sequence[Prompts]) -> Tensor:
        """What the network paints, (N k, 3, 2S, S): k rows a query, each query having k prompts."""
        count = len(prompts[0])
        return self.network(
            queries.repeat_interleave(count, 0),
            torch.cat([each.images for each in prompts]),
            torch.cat([each.targets for each in prompts]),
            ensemble=count if self.together else 1,
            embedding_type=self.embedding_type,
        )

    def gated(self, logits: Tensor, queries: Tensor, prompts: Sequence[Prompts], threshold: float) -> Tensor:
        """``logits`` (N, C, S, S) without the predictions that, as prompts, do not lead back to their prompts."""
        passed = []
        for one, query, own in zip(logits.split(1), queries.split(1), prompts, strict=True):
            asked = self.paint.logits(own.targets, own.palette.expand(len(own), -1, -1)).argmax(1)
            passed.append(cycle_gate(one, query, own.images[None], asked[None], self._answer_back, threshold))
        return torch.cat(passed)

    def _answer_back(self, images: Tensor, sources: Tensor, labels: Tensor) -> Tensor:
        """Logits (K, C, S, S) of images (K, 3, S, S) for a prompt each: a source and its label (K, S, S)."""
        palette = self.paint.palette
        painted = self.paint.labels(labels, palette.expand(len(labels), -1, -1))
        pairs = zip(sources.split(1), painted.split(1), strict=True)
        return self.logits(images, [Prompts(*pair, palette, *self.paint.statistics) for pair in pairs])

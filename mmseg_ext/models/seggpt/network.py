"""SegGPT's network: transformers' layers, and a pass of our own through them."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.decomposed_attention import decomposed_attention
from mmseg_ext.models.seggpt.architecture import load_transformers, seggpt_config
from mmseg_ext.models.seggpt.weights import load_pretrained, network_weights

EMBEDDINGS = ('semantic', 'instance')


class SegGPTNetwork(BaseModule):
    """Paints the mask of a query image in the colours of a prompt's mask.

    The layers are transformers' SegGptForImageSegmentation, so weights have its names. The pass is the published
    one (https://github.com/baaivision/Painter): transformers' own mixes image and mask at the layer where the two
    streams merge, and averages over the whole batch as if it had one query. Attention is fused, see
    ``functional.decomposed_attention``.

    Args:
        config: what differs from SegGPT on ViT-Large, as options of transformers' SegGptConfig.
        pretrained: the weights to start from: a file, a folder of transformers, or a name of the Hugging Face Hub
            (tools/train.py finds the file behind it). They are read by ``init_weights``, not here.
        gradient_checkpointing: compute every layer twice in training instead of keeping what happens inside it.

    Attributes:
        size: S, the side in pixels of the square images and masks.
        patch: the side in pixels of a patch.
        tokens: L = 2 (S / patch)^2, patches of a prompt above its query, row after row.
    """

    def __init__(
        self,
        config: dict[str, Any] | None = None,
        pretrained: str | None = None,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        settled = seggpt_config(config)
        self.seggpt = load_transformers().SegGptForImageSegmentation(settled)
        self.pretrained, self.gradient_checkpointing = pretrained, gradient_checkpointing
        self.size, self.patch = settled.image_size[1], settled.patch_size
        self.tokens = 2 * (self.size // self.patch) ** 2

    def forward(
        self,
        query: Tensor,
        prompt: Tensor,
        prompt_target: Tensor,
        query_target: Tensor | None = None,
        masked: Tensor | None = None,
        ensemble: int = 1,
        embedding_type: str = 'semantic',
    ) -> Tensor:
        """What the network paints, (B, 3, 2S, S) in normalised colours: the prompt's mask above the query's.

        ``query``, ``prompt`` and their coloured masks ``prompt_target`` and ``query_target`` are (B, 3, S, S),
        normalised. Patches of the masks where ``masked`` (B, L) is True are hidden; by default these are all of
        the query's, and no ``query_target`` is needed.

        ``ensemble=k``: k consecutive rows hold one query with k prompts. In every layer the attended features of
        the query are replaced by their mean over the k, image and mask for themselves as long as they are apart
        (the feature ensemble of SegGPT). All k rows of the result then show the same query, but for the first
        pixels below the prompt; the first row is the one to take.

        UsageError for tensors of other sizes.
        """
        self._check(query, prompt, prompt_target, query_target, masked, ensemble, embedding_type)
        if masked is None:
            masked = self.query_mask(len(query), query.device)
        images = torch.cat([prompt, query], dim=2)
        targets = torch.cat([prompt_target, prompt_target if query_target is None else query_target], dim=2)
        tokens = self.seggpt.model.embeddings(images, targets, masked, embedding_type)
        return self.seggpt.decoder(self._encode(tokens, ensemble)).to(query.dtype)

    def query_mask(self, batch: int, device: torch.device | str = 'cpu') -> Tensor:
        """The mask (batch, L) bool that hides all of the query's patches and none of the prompt's."""
        return (torch.arange(self.tokens, device=device) >= self.tokens // 2).expand(batch, -1)

    def init_weights(self) -> None:
        """Load the ``pretrained`` weights; without any, the network keeps the ones that it was built with."""
        self._is_init = True
        if self.pretrained:
            load_pretrained(self.seggpt, self.pretrained)

    def published_weights(self, content: Mapping[str, Any]) -> dict[str, Tensor]:
        """This network's weights of a checkpoint of anyone, under their names here; empty if it holds none."""
        return {f'seggpt.{name}': weight for name, weight in network_weights(content).items()}

    def _encode(self, tokens: Tensor, ensemble: int) -> Tensor:
        """Features (B, 2h, w, levels x C) for the decoder, of tokens (2B, 2h, w, C): images, then masks."""
        config, encoder, features = self.seggpt.config, self.seggpt.model.encoder, []
        for index, layer in enumerate(encoder.layers):
            tokens = self._layer(layer, tokens, ensemble)
            if index == config.merge_index:
                tokens = torch.stack(tokens.chunk(2)).mean(0)
            if index in config.intermediate_hidden_state_indices:
                features.append(encoder.layernorm(tokens))
        return torch.cat(features, dim=-1)

    def _layer(self, layer: nn.Module, tokens: Tensor, ensemble: int) -> Tensor:
        if self.gradient_checkpointing:
            return checkpoint(run_layer, layer, tokens, ensemble, use_reentrant=False)
        return run_layer(layer, tokens, ensemble)

    def _check(
        self,
        query: Tensor,
        prompt: Tensor,
        prompt_target: Tensor,
        query_target: Tensor | None,
        masked: Tensor | None,
        ensemble: int,
        embedding_type: str,
    ) -> None:
        shape = (len(query), 3, self.size, self.size)
        images = dict(query=query, prompt=prompt, prompt_target=prompt_target, query_target=query_target)
        for name, image in images.items():
            if image is not None and tuple(image.shape) != shape:
                raise UsageError(f'SegGPT: {name} is {tuple(image.shape)}; this network takes {shape}')
        if masked is not None and (tuple(masked.shape) != (shape[0], self.tokens) or masked.dtype != torch.bool):
            found = f'{tuple(masked.shape)} {masked.dtype}'
            raise UsageError(f'SegGPT: masked is {found}; give {(shape[0], self.tokens)} of bool, a row an image')
        if ensemble < 1 or shape[0] % ensemble:
            raise UsageError(f'SegGPT: {shape[0]} rows are no groups of {ensemble} prompts a query')
        if embedding_type not in EMBEDDINGS:
            raise UsageError(f'SegGPT: embedding_type={embedding_type!r}; give {" or ".join(EMBEDDINGS)}')


def run_layer(layer: nn.Module, tokens: Tensor, ensemble: int = 1) -> Tensor:
    """A layer of the encoder on tokens (B, 2h, w, C), the query shared by groups of ``ensemble`` rows."""
    attended = attend(layer.attention, layer.layernorm_before(tokens))
    tokens = tokens + layer.drop_path(share_query(attended, ensemble))
    return tokens + layer.drop_path(layer.mlp(layer.layernorm_after(tokens)))


def attend(attention: nn.Module, tokens: Tensor) -> Tensor:
    """What every token (B, 2h, w, C) gathers from all others of its row of the batch, by transformers' weights."""
    grid, heads = tokens.shape[1:3], attention.num_attention_heads
    qkv = attention.qkv(tokens).flatten(1, 2).unflatten(-1, (3, heads, -1))
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, 2h w, C / heads) each
    gathered = decomposed_attention(query, key, value, attention.rel_pos_h, attention.rel_pos_w)
    return attention.proj(gathered.transpose(1, 2).flatten(2).unflatten(1, grid))


def share_query(tokens: Tensor, ensemble: int) -> Tensor:
    """Tokens (B, 2h, w, C) whose lower half is the mean over each ``ensemble`` consecutive rows.

    Images stand before masks in the batch, and groups do not cross from one to the other.
    """
    if ensemble == 1:
        return tokens
    prompts, queries = tokens.chunk(2, dim=1)
    groups = queries.unflatten(0, (-1, ensemble))
    shared = groups.mean(dim=1, keepdim=True).expand_as(groups).flatten(0, 1)
    return torch.cat([prompts, shared], dim=1)

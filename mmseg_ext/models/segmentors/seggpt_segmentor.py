"""SegGPT as a segmentor: what a prompt's label shows is segmented in the query."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import get_rank
from mmseg.models import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.colour_code import colour_logits, colourise
from mmseg_ext.functional.masked_smooth_l1 import masked_smooth_l1
from mmseg_ext.functional.patch_masks import half_mask
from mmseg_ext.models.seggpt.colours import Colours
from mmseg_ext.models.seggpt.gate import check_gate, cycle_gate
from mmseg_ext.models.seggpt.learnable_prompt import LearnablePrompt, read_pairs
from mmseg_ext.models.seggpt.masking import Masking
from mmseg_ext.models.seggpt.network import SegGPTNetwork
from mmseg_ext.models.seggpt.prompts import Prompts

MODES = ('finetune', 'incontext', 'zeroshot')
IGNORED = 255
LARGEST_DRAW = 2**62


@MODELS.register_module()
class SegGPTSegmentor(BaseSegmentor):
    """Segments a query as prompts (photographs with labels) show it (Wang et al. 2023, arXiv 2304.03284).

    Labels are painted, a colour a class; the network paints what is hidden of the canvas of prompt and query, and
    the nearest colour of a pixel is its class. Samples bring their prompts along: ``prompt_img`` (3k, h, w) uint8
    BGR and ``prompt_sem_seg`` (k, h, w) with the values of ``gt_sem_seg``.

    Args:
        network: options of SegGPTNetwork (``config``, ``pretrained``, ``gradient_checkpointing``).
        num_classes: of the data set, the background included; 2 where labels say what the prompt asks for.
        mode: 'finetune' trains the network, with colours drawn anew for each sample; 'incontext' trains a prompt
            for a network that stays as it is, with fixed colours, on any data set; 'zeroshot' trains nothing.
        embedding_type: 'semantic' or 'instance', the network's two kinds of tokens.
        palette: options of Colours (``background``, ``min_distance``, ``fixed``).
        masking: options of Masking (``kind``, ``ratio``, ``half_prob``).
        learnable_prompt: options of LearnablePrompt, for 'incontext' (``num``, ``init``, ``learn``, ``pair``).
        beta: where smooth L1 turns from a square into a line, in normalised colours.
        data_preprocessor: with ``mean`` and ``std``; its ``size`` is that of the network.
        train_cfg: empty, as in the base of all models.
        test_cfg: ``prompt_ensemble``: whether several prompts share the query's features in every layer, or each
            answers alone and the logits are averaged; ``gate``: predictions that, as a prompt, do not lead back to
            the prompt's label with at least this score (0..1) are given up, None for none.
        decode_head: as recipes of all models state it; only its ``num_classes`` has a meaning here.
        auxiliary_head: empty, as in the base of all models; there is one output.
    """

    align_corners = False

    def __init__(
        self,
        network: dict[str, Any] | None = None,
        num_classes: int | None = None,
        mode: str = 'finetune',
        embedding_type: str = 'semantic',
        palette: dict[str, Any] | None = None,
        masking: dict[str, Any] | None = None,
        learnable_prompt: dict[str, Any] | None = None,
        beta: float = 0.01,
        data_preprocessor: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        decode_head: dict | None = None,
        auxiliary_head: Sequence[dict] = (),
    ) -> None:
        super().__init__(data_preprocessor)
        self.num_classes = self.out_channels = _checked_classes(num_classes, decode_head, auxiliary_head)
        if mode not in MODES:
            raise UsageError(f'SegGPTSegmentor: mode={mode!r}: expected {", ".join(MODES)}')
        if getattr(self.data_preprocessor, 'mean', None) is None:
            raise UsageError(
                'SegGPTSegmentor: data_preprocessor needs mean and std, with which masks are painted too'
            )
        self.mode, self.embedding_type, self.beta = mode, embedding_type, beta
        self.train_cfg, self.test_cfg = train_cfg, dict(test_cfg or {})
        check_gate(self.test_cfg.get('gate'))
        self.network = SegGPTNetwork(**(network or {}))
        self.colours = Colours(self.num_classes, **(palette or {}))
        self.masking = Masking(**(masking or {}))
        self.prompts: Prompts | None = None
        self.learnable = None
        if mode == 'incontext':
            self.network.requires_grad_(False)
            self.learnable = LearnablePrompt(self.network.size, **(learnable_prompt or {}))

    # Prompts

    def make_prompts(self, images: Sequence[Tensor], labels: Sequence[Tensor]) -> Prompts:
        """Prompts of photographs (3, h, w) uint8 BGR and labels (h, w) of class indices, any size each.

        UsageError for a label that has another size than its photograph.
        """
        for image, label in zip(images, labels, strict=True):
            if image.shape[1:] != label.shape:
                height, width = image.shape[1:]
                raise UsageError(
                    f'a prompt of {width} x {height} px has a label of {label.shape[1]} x {label.shape[0]} px; '
                    'give each photograph its own label'
                )
        device, size = self.device, (self.network.size,) * 2
        resized = [_resized(self._normalised(image[None].to(device)), size) for image in images]
        flat = [
            F.interpolate(label[None, None].to(device).float(), size, mode='nearest-exact') for label in labels
        ]
        palette = self.colours.standing().to(device)
        painted = self._painted(torch.cat(flat).squeeze(1), palette.expand(len(flat), -1, -1))
        return Prompts(torch.cat(resized), painted, palette, *self._statistics())

    def set_prompts(self, prompts: Prompts | None) -> None:
        """Answer by these from now on, wherever a sample brings no prompts of its own; None: by none.

        UsageError for prompts of another size, of other classes, or normalised in another way.
        """
        if prompts is not None:
            self._check_prompts(prompts)
            prompts = prompts.to(self.device)
        self.prompts = prompts

    def learnt_prompts(self, classes: Sequence[str] = ()) -> Prompts:
        """What in-context tuning has learnt so far."""
        palette = self.colours.standing().to(self.device)
        return Prompts(self.learnable.image, self.learnable.target, palette, *self._statistics(), tuple(classes))

    # Training

    def init_weights(self) -> None:
        """Pretrained weights for the network, and the pairs that learnable prompts start from."""
        super().init_weights()
        if self.learnable is not None and self.learnable.pairs:
            prompts = self.make_prompts(*read_pairs(self.learnable.pairs, self.num_classes))
            self.learnable.start_from(prompts.images, prompts.targets)

    def train(self, mode: bool = True) -> 'SegGPTSegmentor':
        """As usual, but that a network that is not trained stays as in prediction."""
        super().train(mode)
        if self.mode != 'finetune':
            self.network.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """``loss_smooth_l1`` of queries (N, 3, S, S), over all pixels that are hidden and not ignored."""
        size = self.network.size
        if tuple(inputs.shape[2:]) != (size, size):
            height, width = inputs.shape[2:]
            raise UsageError(
                f'SegGPTSegmentor trains on crops of {size} x {size} px, its network.config.image_size, and these '
                f'are {width} x {height}; --swap pipelines=prompt_{size}, or another size of the network'
            )
        if self.mode == 'zeroshot':
            raise UsageError("SegGPTSegmentor: mode='zeroshot' learns nothing; mode=finetune, or tools/test.py")
        step = self._tuning_step if self.mode == 'incontext' else self._painting_step
        painted, target, masked, valid = step(inputs, data_samples)
        return dict(loss_smooth_l1=masked_smooth_l1(painted, target, masked, valid, self.beta))

    def _painting_step(self, inputs: Tensor, samples: SampleList) -> tuple[Tensor, ...]:
        """Painted and true canvas (N, 3, 2S, S), hidden patches (N, L), valid pixels (N, 2S, S): first prompts."""
        generator = torch.Generator().manual_seed(int(torch.randint(LARGEST_DRAW, ())) + get_rank())
        palettes = self.colours.draw(len(inputs), generator).to(inputs.device)
        masked = self.masking.draw(len(inputs), self.grid, generator).to(inputs.device)
        labels = torch.stack([_field(sample, 'prompt_sem_seg')[0] for sample in samples])
        labels = torch.cat([labels, _labels(samples)], dim=1)
        target = self._painted(labels, palettes)
        prompts = self._normalised(torch.stack([_field(sample, 'prompt_img')[:3] for sample in samples]))
        upper, lower = target.chunk(2, dim=2)
        painted = self.network(inputs, prompts, upper, lower, masked, embedding_type=self.embedding_type)
        return painted, target, masked, labels != IGNORED

    def _tuning_step(self, inputs: Tensor, samples: SampleList) -> tuple[Tensor, ...]:
        """The same for the learnt prompts, which answer together; only the query is hidden."""
        count, labels = len(inputs), _labels(samples)
        palettes = self.colours.standing().to(inputs.device).expand(count, -1, -1)
        lower = self._painted(labels, palettes)
        painted = self._canvas(inputs, [self.learnt_prompts()] * count)[:: len(self.learnable.image)]
        masked = half_mask(count, self.grid).to(inputs.device)
        valid = torch.cat([torch.zeros_like(labels, dtype=torch.bool), labels != IGNORED], dim=1)
        return painted, torch.cat([torch.zeros_like(lower), lower], dim=2), masked, valid

    # Prediction

    def predict(self, inputs: Tensor, data_samples: SampleList | None = None) -> SampleList:
        """Samples with ``seg_logits`` (C, H, W) and ``pred_sem_seg`` at the size of the photographs."""
        metas = [self._with_prompts(sample) for sample in data_samples or ()] or [{} for _ in inputs]
        return self.postprocess_result(self.inference(inputs, metas), data_samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (N, C, H, W) of normalised queries (N, 3, H, W), each resized to S x S for the network.

        ``batch_img_metas[i]['prompts']``, where it is there, are the Prompts of query i; else those of
        ``set_prompts`` or of in-context tuning are taken. UsageError when there are none.
        """
        queries = _resized(inputs, (self.network.size,) * 2)
        prompts = [meta.get('prompts') or self._standing_prompts() for meta in batch_img_metas]
        logits = self._answer(queries, prompts)
        if self.test_cfg.get('gate') is not None:
            logits = self._gated(logits, queries, prompts)
        return F.interpolate(logits, inputs.shape[2:], mode='bilinear', align_corners=False)

    def _answer(self, queries: Tensor, prompts: list[Prompts]) -> Tensor:
        """Logits (N, C, S, S) of queries (N, 3, S, S), each with prompts of its own, any number of them."""
        counts = {len(each) for each in prompts}
        if len(counts) > 1:
            pairs = zip(queries.split(1), prompts, strict=True)
            return torch.cat([self._answer(query, [own]) for query, own in pairs])
        (count,), palettes = counts, torch.stack([each.palette for each in prompts])
        painted = self._canvas(queries, prompts)[:, :, self.network.size :]
        if self._shared:
            return colour_logits(self._plain(painted[::count]), palettes)
        logits = colour_logits(self._plain(painted), palettes.repeat_interleave(count, 0))
        return logits.unflatten(0, (-1, count)).mean(1)

    def _canvas(self, queries: Tensor, prompts: list[Prompts]) -> Tensor:
        """What the network paints, (N k, 3, 2S, S): k rows a query, each query with k prompts."""
        count = len(prompts[0])
        images, targets = (torch.cat([getattr(each, name) for each in prompts]) for name in ('images', 'targets'))
        return self.network(
            queries.repeat_interleave(count, 0),
            images,
            targets,
            ensemble=count if self._shared else 1,
            embedding_type=self.embedding_type,
        )

    def _gated(self, logits: Tensor, queries: Tensor, prompts: list[Prompts]) -> Tensor:
        """``logits`` without the predictions that do not lead back to their prompts, query by query."""

        def answer(images: Tensor, sources: Tensor, labels: Tensor) -> Tensor:
            palette = self.colours.standing().to(images.device)
            painted = self._painted(labels, palette.expand(len(labels), -1, -1))
            pairs = zip(sources.split(1), painted.split(1), strict=True)
            return self._answer(images, [Prompts(*pair, palette, *self._statistics()) for pair in pairs])

        threshold, passed = self.test_cfg['gate'], []
        for index, own in enumerate(prompts):
            one = slice(index, index + 1)
            seen = colour_logits(self._plain(own.targets), own.palette.expand(len(own), -1, -1)).argmax(1)
            passed.append(cycle_gate(logits[one], queries[one], own.images[None], seen[None], answer, threshold))
        return torch.cat(passed)

    # What the interface of segmentors asks for besides

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (N, C, H, W); the name that mmseg has for ``inference`` without windows."""
        return self.inference(inputs, batch_img_metas)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """UsageError: what SegGPT sees in an image depends on the prompt."""
        raise UsageError('SegGPTSegmentor: there are no features of an image without a prompt; call inference')

    def _forward(self, inputs: Tensor, data_samples: SampleList | None = None) -> Tensor:
        """Logits (N, C, H, W)."""
        return self.inference(
            inputs, [self._with_prompts(each) for each in data_samples or ()] or [{}] * len(inputs)
        )

    def compile_parts(self, **options: object) -> None:
        """Run a compiled network from now on; it sees tensors of one size alone."""
        self.network.compile(**options)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of the canvas."""
        columns = self.network.size // self.network.patch
        return 2 * columns, columns

    @property
    def _shared(self) -> bool:
        return self.test_cfg.get('prompt_ensemble', True)

    def _with_prompts(self, sample: Any) -> dict:
        """The metas of a sample with its own prompts, where it has any and a learnt one is not to be judged."""
        if self.mode == 'incontext' or 'prompt_img' not in sample:
            return sample.metainfo
        images, labels = _field(sample, 'prompt_img'), _field(sample, 'prompt_sem_seg')
        if len(images) != 3 * len(labels):
            raise UsageError(f'{len(images) // 3} prompts have {len(labels)} labels; each needs one')
        return dict(sample.metainfo, prompts=self.make_prompts(images.split(3), list(labels)))

    def _standing_prompts(self) -> Prompts:
        if self.prompts is None and self.learnable is None:
            raise UsageError(
                'SegGPTSegmentor: no prompt says what to segment; give prompts (--prompt-img-dir and '
                '--prompt-label-dir, or --prompt), or a data set that brings them along'
            )
        return self.prompts or self.learnt_prompts()

    def _check_prompts(self, prompts: Prompts) -> None:
        size, mean, std = self.network.size, *self._statistics()
        if prompts.size != size:
            raise UsageError(f'prompts of {prompts.size} px, and the network takes {size}; use those made for it')
        if len(prompts.palette) != self.num_classes:
            raise UsageError(f'prompts of {len(prompts.palette)} classes, and the model has {self.num_classes}')
        if not (torch.allclose(prompts.mean.to(mean), mean) and torch.allclose(prompts.std.to(std), std)):
            raise UsageError(
                f'prompts normalised with mean {prompts.mean.tolist()} and std {prompts.std.tolist()}, the model '
                f'with {mean.tolist()} and {std.tolist()}; use those made for it'
            )

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation (3,) of the channels."""
        return self.data_preprocessor.mean.flatten(), self.data_preprocessor.std.flatten()

    def _normalised(self, images: Tensor) -> Tensor:
        """Photographs (N, 3, h, w) uint8 BGR as the network takes them."""
        prepare = self.data_preprocessor
        images = images.flip(1) if prepare._channel_conversion else images
        return (images.float() - prepare.mean) / prepare.std

    def _painted(self, labels: Tensor, palettes: Tensor) -> Tensor:
        """Labels (N, H, W) in normalised colours (N, 3, H, W)."""
        return (colourise(labels, palettes, IGNORED) - self.data_preprocessor.mean) / self.data_preprocessor.std

    def _plain(self, painted: Tensor) -> Tensor:
        """Normalised colours (N, 3, H, W) as RGB in 0..255."""
        return (painted.float() * self.data_preprocessor.std + self.data_preprocessor.mean).clamp(0, 255)


def _checked_classes(num_classes: int | None, decode_head: dict | None, auxiliary_head: Sequence[dict]) -> int:
    """The number of classes, wherever the recipe states it."""
    stated = (decode_head or {}).get('num_classes', num_classes)
    if auxiliary_head:
        raise UsageError('SegGPTSegmentor: there is one output; leave auxiliary_head empty')
    if not isinstance(stated, int) or stated < 2:
        raise UsageError(f'SegGPTSegmentor: num_classes={stated!r}; wire it to that of the data set')
    return stated


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Photographs (N, 3, H, W) at another size, as SegGPT's authors resize them: bicubic, without aliasing."""
    if tuple(images.shape[2:]) == size:
        return images
    return F.interpolate(images, size, mode='bicubic', align_corners=False, antialias=True)


def _field(sample: Any, name: str) -> Tensor:
    if name not in sample:
        place = sample.get('img_path', 'a sample')
        raise UsageError(
            f'{place}: no {name}; SegGPT learns from pairs: --swap datasets=seggpt_pairs, or model.mode=incontext'
        )
    return sample.get(name).data


def _labels(samples: SampleList) -> Tensor:
    """(N, H, W)"""
    return torch.stack([sample.gt_sem_seg.data.squeeze(0) for sample in samples])

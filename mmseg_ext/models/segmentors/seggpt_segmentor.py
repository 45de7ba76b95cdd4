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
from mmseg_ext.functional.masked_smooth_l1 import masked_smooth_l1
from mmseg_ext.functional.patch_masks import half_mask
from mmseg_ext.models.seggpt.answering import Answering
from mmseg_ext.models.seggpt.canvas import Canvas
from mmseg_ext.models.seggpt.colours import Colours
from mmseg_ext.models.seggpt.gate import check_gate
from mmseg_ext.models.seggpt.learnable_prompt import LearnablePrompt, read_pairs
from mmseg_ext.models.seggpt.masking import Masking
from mmseg_ext.models.seggpt.network import SegGPTNetwork
from mmseg_ext.models.seggpt.paint import IGNORED, Paint, check_sizes, resized
from mmseg_ext.models.seggpt.prompts import Prompts
from mmseg_ext.models.seggpt.split import Split, Tile

MODES = ('finetune', 'incontext', 'zeroshot')
LARGEST_SEED = 2**62


@MODELS.register_module()
class SegGPTSegmentor(BaseSegmentor):
    """Segments a query as prompts (photographs with labels) show it (Wang et al. 2023, arXiv 2304.03284).

    Labels are painted, a colour a class; the network paints what is hidden of the canvas of prompt and query, and
    the nearest colour of a pixel is its class. Samples bring their prompts along: ``prompt_img`` (3k, h, w) uint8
    BGR and ``prompt_sem_seg`` (k, h, w) with the values of ``gt_sem_seg``; training looks at the first one.

    Args:
        network: options of SegGPTNetwork (``config``, ``pretrained``, ``gradient_checkpointing``).
        num_classes: of the data set, the background included; 2 where labels say what the prompt asks for.
        mode: 'finetune' trains the network, with colours drawn anew for each sample; 'incontext' trains a prompt
            for a network that stays as it is, with fixed colours, on any data set; 'zeroshot' trains nothing.
        embedding_type: 'semantic' or 'instance', the network's two kinds of tokens.
        palette: options of Colours (``background``, ``min_distance``, ``fixed``).
        masking: options of Masking (``kind``, ``ratio``, ``half_prob``).
        learnable_prompt: options of LearnablePrompt, for 'incontext' (``num``, ``init``, ``learn``, ``pair``).
        foreground_weight: what a pixel of a defect counts in the loss; one of the background counts 1. The
            median of a colour is what smooth L1 asks for: where defects are rare, a network trained from scratch
            may paint none for long unless they count more.
        beta: where smooth L1 turns from a square into a line, in normalised colours.
        data_preprocessor: with ``mean`` and ``std``; its ``size`` is that of the network.
        train_cfg: empty, as in the base of all models.
        test_cfg: ``prompt_ensemble``: whether several prompts share the query's features in every layer, or each
            answers alone and the logits are averaged; ``gate``: predictions that, as a prompt, do not lead back to
            the prompt's label with at least this score (0..1) are given up, None for none; ``split``, ``stitch``
            and ``prompt_tiles``: how closely photographs and prompts are looked at, see Split.
        decode_head: as recipes of all models state it; only its ``num_classes`` has a meaning here.
        auxiliary_head: empty, as in the base of all models; there is one output.

    Raises:
        UsageError: an option out of its range, or options that do not go together.
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
        foreground_weight: float = 1.0,
        data_preprocessor: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        decode_head: dict | None = None,
        auxiliary_head: Sequence[dict] = (),
    ) -> None:
        super().__init__(data_preprocessor)
        self.num_classes = self.out_channels = _checked_classes(num_classes, decode_head, auxiliary_head)
        self.train_cfg, self.test_cfg = train_cfg, dict(test_cfg or {})
        _check_mode(mode, self.test_cfg.get('gate'))
        Split.of(self.test_cfg)
        if not foreground_weight > 0:
            raise UsageError(
                f'SegGPTSegmentor: foreground_weight={foreground_weight!r}: expected a number above 0'
            )
        self.mode, self.beta, self.foreground_weight = mode, beta, foreground_weight
        self.network = SegGPTNetwork(**(network or {}))
        self.colours = Colours(self.num_classes, **(palette or {}))
        self.masking = Masking(**(masking or {}))
        self.paint = Paint(self.data_preprocessor, self.colours, self.network.size)
        together = self.test_cfg.get('prompt_ensemble', True)
        self.answering = Answering(self.network, self.paint, embedding_type, together)
        self.prompts: Prompts | None = None
        self.learnable = None
        if mode == 'incontext':
            self.network.requires_grad_(False)
            self.learnable = LearnablePrompt(self.network.size, **(learnable_prompt or {}))

    def make_prompts(self, images: Sequence[Tensor], labels: Sequence[Tensor]) -> Prompts:
        """Prompts of photographs (3, h, w) uint8 BGR and labels (h, w) of class indices, any size each; of each
        the tiles that ``test_cfg.prompt_tiles`` says.

        UsageError for a label that has another size than its photograph.
        """
        check_sizes(images, labels)
        split, size = Split.of(self.test_cfg), self.network.size
        tiles = [tile for pair in zip(images, labels, strict=True) for tile in split.shown(Tile(*pair), size)]
        return self.paint.prompts(*zip(*tiles, strict=True))

    def set_prompts(self, prompts: Prompts | None) -> None:
        """Answer by these from now on, wherever a sample brings no prompts of its own; None: by none.

        UsageError for prompts of another size, of other classes, or normalised in another way.
        """
        if prompts is not None:
            self.paint.check(prompts)
            prompts = prompts.to(self.paint.palette.device)
        self.prompts = prompts

    def learnt_prompts(self, classes: Sequence[str] = ()) -> Prompts:
        """What in-context tuning has learnt so far; ``classes`` are their names."""
        image, target = self.learnable.image, self.learnable.target
        return Prompts(image, target, self.paint.palette, *self.paint.statistics, tuple(classes))

    def init_weights(self) -> None:
        """Pretrained weights for the network, and the pairs that learnable prompts start from."""
        super().init_weights()
        if self.learnable is not None and self.learnable.pairs:
            prompts = self.paint.prompts(*read_pairs(self.learnable.pairs, self.num_classes))
            self.learnable.start_from(prompts.images, prompts.targets)

    def train(self, mode: bool = True) -> 'SegGPTSegmentor':
        """As usual, but that a network that is not trained stays as in prediction."""
        super().train(mode)
        if self.mode != 'finetune':
            self.network.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """``loss_smooth_l1`` of queries (N, 3, S, S), over all pixels that are hidden and not ignored."""
        canvas = self.paint_canvas(inputs, data_samples)
        terms = canvas.painted, canvas.target, canvas.masked, canvas.valid
        return dict(loss_smooth_l1=masked_smooth_l1(*terms, self.beta))

    def paint_canvas(self, inputs: Tensor, data_samples: SampleList) -> Canvas:
        """What a training step of queries (N, 3, S, S) looks at, whole."""
        size = self.network.size
        if tuple(inputs.shape[2:]) != (size, size):
            height, width = inputs.shape[2:]
            raise UsageError(
                f'SegGPTSegmentor learns from {size} x {size} px, half its network.config.image_size, and '
                f'these are {width} x {height}; take a pipeline with such crops, or another image_size'
            )
        if self.mode == 'zeroshot':
            raise UsageError("SegGPTSegmentor: mode='zeroshot' learns nothing; mode=finetune, or tools/test.py")
        labels = torch.stack([sample.gt_sem_seg.data.squeeze(0) for sample in data_samples])
        if self.mode == 'incontext':
            return self._tuning_canvas(inputs, labels)
        return self._learning_canvas(inputs, labels, data_samples)

    def _learning_canvas(self, inputs: Tensor, labels: Tensor, samples: SampleList) -> Canvas:
        """The first prompt above the query, patches of both hidden, in colours drawn for each sample."""
        generator = torch.Generator().manual_seed(int(torch.randint(LARGEST_SEED, ())) + get_rank())
        palettes = self.colours.draw(len(inputs), generator).to(inputs.device)
        masked = self.masking.draw(len(inputs), self.grid, generator).to(inputs.device)
        images = torch.stack([_field(sample, 'prompt_img')[:3] for sample in samples])
        shown = torch.stack([_field(sample, 'prompt_sem_seg')[0] for sample in samples])
        labels, prompts = torch.cat([shown, labels], dim=1), self.paint.photographs(images)
        target = self.paint.labels(labels, palettes)
        kind = self.answering.embedding_type
        painted = self.network(inputs, prompts, *target.chunk(2, dim=2), masked, embedding_type=kind)
        return Canvas(torch.cat([prompts, inputs], 2), target, masked, self._counts(labels), painted, palettes)

    def _tuning_canvas(self, inputs: Tensor, labels: Tensor) -> Canvas:
        """The learnt prompts, which answer together, above the query, which alone is hidden."""
        count, learnt = len(inputs), self.learnt_prompts()
        palettes = self.paint.palette.expand(count, -1, -1)
        above, unseen = (each[:1].expand(count, -1, -1, -1) for each in (learnt.images, learnt.targets))
        target = torch.cat([unseen, self.paint.labels(labels, palettes)], dim=2)
        masked = half_mask(count, self.grid).to(inputs.device)
        counts = self._counts(labels)
        valid = torch.cat([torch.zeros_like(counts), counts], dim=1)
        painted = self.answering.canvas(inputs, [learnt] * count)[:: len(learnt)]
        return Canvas(torch.cat([above, inputs], 2), target, masked, valid, painted, palettes)

    def _counts(self, labels: Tensor) -> Tensor:
        """What each pixel of labels (N, H, W) counts in the loss."""
        counts = torch.where(labels > 0, self.foreground_weight, 1.0)
        return counts.masked_fill(labels == IGNORED, 0.0)

    def predict(self, inputs: Tensor, data_samples: SampleList | None = None) -> SampleList:
        """Samples with ``seg_logits`` (C, H, W) and ``pred_sem_seg`` at the size of the photographs."""
        return self.postprocess_result(self._forward(inputs, data_samples), data_samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (N, C, H, W) of normalised queries (N, 3, H, W), each resized to S x S for the network.

        ``batch_img_metas[i]['prompts']``, where it is there, are the Prompts of query i; else those of
        ``set_prompts`` or of in-context tuning are taken. UsageError when there are none.
        """
        queries = resized(inputs, self.network.size)
        prompts = [meta.get('prompts') or self._standing_prompts() for meta in batch_img_metas]
        logits = self.answering.logits(queries, prompts)
        if self.test_cfg.get('gate') is not None:
            logits = self.answering.gated(logits, queries, prompts, self.test_cfg['gate'])
        return F.interpolate(logits, inputs.shape[2:], mode='bilinear', align_corners=False)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (N, C, H, W); the name that mmseg has for ``inference`` without windows."""
        return self.inference(inputs, batch_img_metas)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """UsageError: what SegGPT sees in an image depends on the prompt."""
        raise UsageError('SegGPTSegmentor: there are no features of an image without a prompt; call inference')

    def _forward(self, inputs: Tensor, data_samples: SampleList | None = None) -> Tensor:
        """Logits (N, C, H, W), put together from those of tiles where ``test_cfg.split`` says so."""
        metas = [dict(each.metainfo, prompts=self.prompts_of(each)) for each in data_samples or ()]
        split, metas = Split.of(self.test_cfg), metas or [{}] * len(inputs)
        if split.count == 1:
            return self.inference(inputs, metas)
        pairs = zip(inputs, metas, strict=True)
        return torch.stack(
            [
                split.blended(lambda tile, meta=meta: self.inference(tile[None], [meta])[0], one)
                for one, meta in pairs
            ]
        )

    def compile_parts(self, **options: object) -> None:
        """Run a compiled network from now on; it sees tensors of one size alone."""
        self.network.compile(**options)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of the canvas."""
        columns = self.network.size // self.network.patch
        return 2 * columns, columns

    def prompts_of(self, sample: Any) -> Prompts:
        """What answers a sample: its own prompts, where it has any and a learnt one is not to be judged."""
        if self.mode == 'incontext' or 'prompt_img' not in sample:
            return self._standing_prompts()
        images, labels = _field(sample, 'prompt_img'), _field(sample, 'prompt_sem_seg')
        if len(images) != 3 * len(labels):
            raise UsageError(f'{len(images) // 3} prompts have {len(labels)} labels; each needs one')
        return self.make_prompts(images.split(3), list(labels))

    def _standing_prompts(self) -> Prompts:
        if self.prompts is None and self.learnable is None:
            raise UsageError(
                'SegGPTSegmentor: no prompt says what to segment; give prompts (tools/predict.py --prompt-img-dir '
                'and --prompt-label-dir, or --prompt), or a data set that brings them along'
            )
        return self.prompts or self.learnt_prompts()


def _check_mode(mode: str, gate: float | None) -> None:
    if mode not in MODES:
        raise UsageError(f'SegGPTSegmentor: mode={mode!r}: expected {", ".join(MODES)}')
    if check_gate(gate) is not None and mode == 'incontext':
        raise UsageError(
            f'SegGPTSegmentor: test_cfg.gate={gate:g}: a learnt prompt shows no label that a prediction could '
            'lead back to; leave the gate out'
        )


def _checked_classes(num_classes: int | None, decode_head: dict | None, auxiliary_head: Sequence[dict]) -> int:
    """The number of classes, wherever the recipe states it."""
    stated = (decode_head or {}).get('num_classes', num_classes)
    if auxiliary_head:
        raise UsageError('SegGPTSegmentor: there is one output; leave auxiliary_head empty')
    if not isinstance(stated, int) or stated < 2:
        raise UsageError(f'SegGPTSegmentor: num_classes={stated!r}; wire it to that of the data set')
    return stated


def _field(sample: Any, name: str) -> Tensor:
    """A field of a sample; UsageError for one that brings no prompts along."""
    if name not in sample:
        raise UsageError(
            f'{sample.get("img_path", "a sample")}: no {name}; SegGPT learns from pairs of a photograph and a '
            'prompt: --swap datasets=defect_types, or model.mode=incontext'
        )
    return sample.get(name).data

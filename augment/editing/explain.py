"""What an edit will do, in words: tokens, windows, layers. No weights are needed.

An edit that does nothing, or too much, mostly does so because a word is not where it was thought to be, a window
is empty or a limit leaves no layer: all of which can be read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from augment.attention.align import Alignment, align, refine_mapper, windows
from augment.attention.install import LayerInfo, layers
from augment.attention.word_maps import blend_columns, coarse_size
from augment.config.settings import PLACES, EditSettings
from augment.editing.sampling import first_blended
from augment.sdxl.tokens import LENGTH, TokenTable, tokens

if TYPE_CHECKING:
    from augment.editing.targets import Target


def explain(
    settings: EditSettings,
    words: Sequence[str | Target],
    tokenizers: Sequence[Any],
    unet_config: Mapping[str, Any],
    latent_size: tuple[int, int],
    factor: int = 8,
) -> str:
    """The tokens of each edit and where they come from, and when and in which layers it acts, as plain text.

    ``latent_size`` (h, w) is what the model draws, ``factor`` the pixels of each latent along a side. Raises
    UsageError as the edit itself would.
    """
    from augment.editing.targets import completed

    targets = [completed(word, settings) for word in words]
    sections = [_prompts(settings, target, tokenizers[0]) for target in targets]
    found = layers(unet_config, latent_size, settings.control)
    sections += [_windows(settings), _layers(settings, found, latent_size, factor)]
    sections += [_guidance(settings), _cost(settings, targets, tokenizers[0])]
    remarks = list(_remarks(settings, targets, found))
    return '\n\n'.join('\n'.join(section) for section in (*sections, *([remarks] if remarks else []))) + '\n'


def _prompts(settings: EditSettings, target: Target, tokenizer: Any) -> list[str]:
    """Each token of the target prompt, and the source tokens that it takes its attention from."""
    source, edited = tokens(tokenizer, settings.source_prompt), tokens(tokenizer, target.prompt)
    alignment = align(tokenizer, source.prompt, edited.prompt, settings.control.mode, target.equalize)
    rows = [('token', 'target', 'from source', 'attention')]
    rows += [_token_row(source, edited, alignment, k) for k in range(len(edited))]
    rows += [(f'{len(edited)}-{LENGTH - 1}', '(filling)', 'the same', "the source's")] * (len(edited) < LENGTH)
    lines = [f'source  {source.prompt}', f'target  {edited.prompt}', '', *_table(rows)]
    if settings.control.mode == 'refine':
        mapper = refine_mapper(source.ids, edited.ids)
        lines += ['', f'mapper  {_shortened(mapper, len(edited))}   (-1: new, keeps its own attention)']
    return lines


def _token_row(source: TokenTable, edited: TokenTable, alignment: Alignment, k: int) -> tuple[str, str, str, str]:
    origins = alignment.projection[:, k].nonzero().flatten().tolist() if alignment.mix[k] else []
    shown = ', '.join(f'{origin} {_spelled(source, origin)}' for origin in origins)
    factor = alignment.equalizer[k].item()
    times = '' if factor == 1 else f' x {factor:g}'
    return str(k), _spelled(edited, k), shown or 'new', ("the source's" if origins else 'its own') + times


def _spelled(table: TokenTable, k: int) -> str:
    return table.pieces[k].replace('</w>', '') if k < len(table) else '(filling)'


def _shortened(mapper: Sequence[int], length: int) -> str:
    """The mapper of the prompt's own tokens, two more, and the last."""
    shown = [*mapper[: length + 2], '…', mapper[-1]] if length + 3 < LENGTH else mapper
    return ' '.join(map(str, shown))


def _windows(settings: EditSettings) -> list[str]:
    """In which steps what happens."""
    steps, control, blend = settings.steps, settings.control, settings.blend
    cross, itself = windows(control, steps)
    factors = steps if control.equalizer_window == 'all' else cross
    pooled = 0 if control.pooled == 'target' else cross
    rows = [
        ('cross-attention of the source', *_span(cross, steps)),
        ('self-attention of the source', *_span(itself, steps)),
        ('pooled embedding of the source', *_span(pooled, steps)),
        ('factors on words', *_span(factors, steps)),
    ]
    start = first_blended(blend, steps)
    if blend.by != 'none' and start < steps:
        rows.append((f'bounded by {blend.by}', f'{steps - start} of {steps}', f'steps {start} to {steps - 1}'))
    return ['windows, from the noisiest step 0 on', *_table(rows)]


def _span(length: int, steps: int) -> tuple[str, str]:
    return f'{length} of {steps}', f'steps 0 to {length - 1}' if length else 'never'


def _layers(
    settings: EditSettings, found: Sequence[LayerInfo], latent_size: tuple[int, int], factor: int
) -> list[str]:
    """How many attention layers there are in each place, and what is done to them."""
    rows = [('layers', 'number', 'tokens', 'follow the source', 'residual interpolation')]
    for place in PLACES:
        here = [layer for layer in found if layer.place == place]
        for number, group in groupby(sorted(here, key=_tokens, reverse=True), key=_tokens):
            rows.append(_layer_row(settings, place, number, list(group)))
    limit = {'all': 'any number', 'auto': f'{math.prod(coarse_size(latent_size))} = (side of the latents / 4)²'}
    shown = limit.get(settings.control.self_limit, settings.control.self_limit)
    height, width = (factor * side for side in latent_size)
    heading = f'attention at {width} x {height} pixels; self-attention follows the source up to {shown} tokens'
    return [heading, *_table(rows)]


def _layer_row(settings: EditSettings, place: str, number: int, group: Sequence[LayerInfo]) -> tuple[str, ...]:
    alpha = settings.rli.alpha if place in settings.rli.where else 0
    follows = 'yes' if group[0].controlled else 'no'
    return place, str(len(group)), str(number), follows, f'{alpha:g}' if alpha else 'no'


def _tokens(layer: LayerInfo) -> int:
    return layer.tokens


def _guidance(settings: EditSettings) -> list[str]:
    """What the edit is driven by."""
    inversion = settings.inversion
    begins = {'source': 'the source prompt', 'empty': 'the empty prompt', 'zeros': 'zeros'}[inversion.null_init]
    away = {
        'null-text': f'embeddings fitted to the photograph, beginning at {begins}',
        'direct': 'the empty prompt',
        'ddim': 'the empty prompt',
    }.get(inversion.method, 'the source prompt')
    held = 'held on' if inversion.pinned else 'not held on'
    return [
        f'guidance  {settings.guidance:g}, away from {away} ({inversion.method})',
        f'source    {held} the recorded path of the photograph',
    ]


def _cost(settings: EditSettings, targets: Sequence[Target], tokenizer: Any) -> list[str]:
    """Rows through the UNet, by which time and memory go."""
    steps, shared = settings.steps, max(windows(settings.control, settings.steps))
    if 'attention' in settings.blend.by and _blended_by_source(settings, targets, tokenizer):
        shared = steps
    if not settings.inversion.pinned:
        shared = 2 * steps
    total = 2 * steps * len(targets) + shared
    return [
        f'cost      {2 * steps} rows through the UNet a word and {shared} shared by all: {total} here; '
        'the inversion comes on top'
    ]


def _blended_by_source(settings: EditSettings, targets: Sequence[Target], tokenizer: Any) -> bool:
    """Whether a word that bounds an edit is one of the source prompt, whose attention then counts to the end."""
    source = tokens(tokenizer, settings.source_prompt)
    return any(blend_columns(source, tokens(tokenizer, t.prompt), t.blend_words)[0] for t in targets)


def _remarks(settings: EditSettings, targets: Sequence[Target], found: Iterable[LayerInfo]) -> Iterator[str]:
    """What makes an edit do nothing, or nothing of some kind."""
    cross, itself = windows(settings.control, settings.steps)
    for target in targets:
        if target.prompt == settings.source_prompt:
            yield f'remark: the prompt for {target.word!r} is the source prompt: only factors can change anything'
    if not cross and settings.control.equalizer_window == 'cross':
        yield 'remark: the cross-attention window is empty, so that factors on words have no effect'
    if itself and not any(layer.controlled for layer in found if layer.place.endswith('.self')):
        yield 'remark: no self-attention layer is within the limit: the layout of the source is not kept'
    if settings.guidance == 1:
        yield 'remark: guidance 1 follows the target prompt without emphasis: edits are faint'


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ['  ' + '  '.join(map(str.ljust, row, widths)).rstrip() for row in rows]

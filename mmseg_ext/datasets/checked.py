"""Any data set in the project's layout, checked when it is built.

    <root>/img_dir/{train,val,test}/…    .png .jpg .jpeg .bmp .tif .tiff
    <root>/ann_dir/{train,val,test}/…    one channel of class indices 0..C-1 of the same stem, 255 = ignore

A set of one's own needs no class, only a config:

    dict(type='CheckedSegDataset', data_root='data/mine', metainfo=dict(classes=('background', 'scratch')),
         data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'))
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_ext.datasets.check import Progress, SplitReport, check_matching, judge
from mmseg_ext.datasets.diagnose import read_pair
from mmseg_ext.datasets.meta import META, read_meta
from mmseg_ext.datasets.pairs import Matching, Pair, match_pairs
from mmseg_ext.datasets.palette import default_palette
from mmseg_ext.datasets.problems import Problem, data_error
from mmseg_ext.errors import DataError


@DATASETS.register_module()
class CheckedSegDataset(BaseSegDataset):
    """Images and index masks matched by stem; a set that cannot be trained on stops here, with the cure.

    ``data_prefix`` without ``seg_map_path`` means prediction only. ``ann_file`` may name a text file with one stem
    a line, to use only those. ``img_suffix`` and ``seg_map_suffix`` (such as ``_mask.png``) narrow the search for
    files. Class names in ``metainfo`` rename the classes of a set that has some: mask value k is always the k-th
    name. Everything else is passed to mmseg's ``BaseSegDataset``.

    Raises:
        DataError: all missing, orphaned and ambiguous files at once; later, the file that a pipeline failed on.
        ValueError: class names or a palette that cannot belong to the masks, or ``reduce_zero_label=True``.
    """

    def __init__(
        self,
        img_suffix: str | None = None,
        seg_map_suffix: str | None = None,
        reduce_zero_label: bool = False,
        **kwargs,
    ):
        if reduce_zero_label:
            raise ValueError(
                f'{type(self).__name__}: reduce_zero_label=True would turn class 0, the background, into '
                '"ignore" and shift the others; leave it out, and write masks as 0..C-1 and 255 (ignore)'
            )
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        loaded = super()._load_metainfo(metainfo)
        _check_names(cls.__name__, loaded.get('classes'), cls.METAINFO.get('classes'))
        return loaded

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> None:
        """No map: new names rename the classes, where mmseg would drop or reorder mask values."""

    def _update_palette(self) -> list[list[int]]:
        count = len(self._metainfo['classes'])
        palette = self._metainfo.get('palette') or default_palette(count)
        if len(palette) != count:
            raise ValueError(f'{type(self).__name__}: a palette of {len(palette)} colours for {count} classes')
        return palette

    def load_data_list(self) -> list[dict]:
        """The items mmseg's pipelines start from, sorted by stem. Files are listed, not opened."""
        matching = self.matching()
        if matching.problems:
            raise data_error(type(self).__name__, matching.problems)
        common = {'label_map': None, 'reduce_zero_label': False}
        return [
            {
                'img_path': pair.image,
                **({'seg_map_path': pair.mask} if pair.mask else {}),
                **common,
                'seg_fields': [],
            }
            for pair in matching.pairs
        ]

    def full_init(self) -> None:
        """List the files; steps of the pipeline that take from other images are told where these are."""
        if not self._fully_initialized:
            super().full_init()
            for step in self.pipeline.transforms:
                if hasattr(step, 'take_from'):
                    step.take_from(self)

    def matching(self) -> Matching:
        """Images and masks of this split, and what could not be paired or shows other classes."""
        folders = self.data_prefix.get('img_path', ''), self.data_prefix.get('seg_map_path')
        found = match_pairs(*folders, self.img_suffix, self.seg_map_suffix, self._listed_stems())
        found.problems += self._too_few_classes()
        return found

    def _too_few_classes(self) -> Iterator[Problem]:
        """Masks of ``ann_dir`` that, by what their folder says of itself, show fewer classes, and others.

        They would pass every other check: the config of another set, pointed at this one by its ``data_root``.
        Fewer are fine where they are the first of the config's.
        """
        root = Path(self.data_root or '')
        masks = Path(self.data_prefix.get('seg_map_path') or '')
        if not masks.is_relative_to(root / 'ann_dir'):
            return
        try:
            named, used = read_meta(root).get('classes'), self._metainfo['classes']
        except DataError:  # a file of that name which is not ours
            return
        if named and len(named) < len(used) and tuple(used[: len(named)]) != named:
            what = f'it has {len(named)} classes ({", ".join(named)}), the config {len(used)} ({", ".join(used)})'
            yield Problem(
                str(root / META), what, "take the set's own base, --swap datasets=, or correct that file"
            )

    def _listed_stems(self) -> list[str] | None:
        if not self.ann_file:
            return None
        if not Path(self.ann_file).is_file():
            raise DataError(
                f'{self.ann_file}: no such list file; correct ann_file, or leave it out to use all images'
            )
        lines = Path(self.ann_file).read_text(encoding='utf-8').splitlines()
        return [line.strip() for line in lines if line.strip()]

    def check(
        self, sample: int | None = None, workers: int | None = None, progress: Progress | None = None
    ) -> SplitReport:
        """``check_split`` for exactly the files used here. With ``lazy_init=True`` even on a broken set."""
        classes = self._metainfo['classes']
        return check_matching(self.matching(), classes, self.ignore_index, sample, workers, progress)

    def prepare_data(self, idx: int) -> dict | None:
        """The item after the pipeline. Whatever fails, the error names the file and, if possible, the cause."""
        try:
            data = super().prepare_data(idx)
            self._check_labels(data)
        except Exception as error:  # any transform may be in the pipeline
            raise self.explain(idx, error) from error
        return data

    def _check_labels(self, data: dict | None) -> None:
        """Stop on a label outside the classes, which a GPU would answer with an assertion that names no file."""
        sample = data.get('data_samples') if isinstance(data, dict) else None
        if sample is None or 'gt_sem_seg' not in sample:
            return
        label = sample.gt_sem_seg.data
        foreign = label[(label >= len(self._metainfo['classes'])) & (label != self.ignore_index)]
        if foreign.numel():
            raise ValueError(
                f'mask value {int(foreign[0])} is none of the {len(self._metainfo["classes"])} classes'
            )

    def explain(self, idx: int, error: Exception) -> DataError:
        """What the check says about the pair; the bare error where the files are sound."""
        info = self.get_data_info(idx)
        reading = read_pair(Pair('', info['img_path'], info.get('seg_map_path')))
        problems = judge(Matching(), [reading], self._metainfo['classes'], self.ignore_index).problems
        if problems:
            return data_error(type(self).__name__, problems)
        return DataError(f'{type(self).__name__}: {info["img_path"]}: {type(error).__name__}: {error}')


def _check_names(owner: str, names: Sequence[str] | None, original: Sequence[str] | None) -> None:
    """Refuse names that are none, not distinct, or cannot be new names for the ``original`` ones."""
    if not names or isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f'{owner}: no class names, got {names!r}; give metainfo=dict(classes=(…)), one name a mask value'
        )
    if len(set(names)) < len(names):
        raise ValueError(f'{owner}: a class name occurs twice in {list(names)}; results could not be told apart')
    if original and len(names) != len(original):
        raise ValueError(
            f'{owner}: {len(names)} class names {list(names)} for the {len(original)} classes {list(original)}; '
            'give one a class: names rename, they do not select'
        )
    if original and list(names) != list(original) and set(names) == set(original):
        raise ValueError(
            f'{owner}: the classes in another order, {list(names)}; mask value k is the k-th of {list(original)}'
        )

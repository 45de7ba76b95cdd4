"""One image through the test pipeline of a config, without the annotations it would load."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_ext.engine.preflight import dataset_configs, first_line
from mmseg_ext.errors import DataError, UsageError

Image = str | Path | np.ndarray
ANNOTATIONS = ('LoadAnnotations',)


class Sample(NamedTuple):
    """``inputs`` (3, h, w) uint8 for the network, its meta data, and the image (H, W, 3) uint8 BGR as read."""

    inputs: Tensor
    data: SegDataSample
    image: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image itself, which the pipeline may have resized."""
        return tuple(self.data.ori_shape[:2])


class Reader:
    """Calls the steps of a test pipeline; the same object may be called from several threads."""

    def __init__(self, cfg: Config):
        init_default_scope('mmseg')
        steps = dataset_configs(cfg, 'test')[0].get('pipeline')
        if not steps or not steps[0]['type'].startswith('Load'):
            raise UsageError(f'{cfg.filename}: the test data set has no pipeline that begins by loading an image')
        kept = [step for step in steps if step['type'] not in ANNOTATIONS]
        self.load = Compose(kept[:1])
        self.take = Compose([dict(type='LoadImageFromNDArray')])
        self.rest = Compose(kept[1:])

    def __call__(self, image: Image) -> Sample:
        """The sample of a file or of an array (H, W, 3) uint8 in BGR order; DataError when it cannot be used."""
        if isinstance(image, np.ndarray):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                raise DataError(f'{describe(image)}: an image is (H, W, 3) uint8, channels BGR')
            loaded = self.take(dict(img=image))
        else:
            loaded = self._loaded(image)
        picture = loaded['img']
        try:
            packed = self.rest({'seg_fields': [], **loaded})
        except Exception as error:  # any transform may be in the pipeline
            raise DataError(f'{describe(image)}: the test pipeline fails on it: {first_line(error)}') from error
        return Sample(packed['inputs'], packed['data_samples'], picture)

    def _loaded(self, path: str | Path) -> dict[str, Any]:
        try:
            return self.load(dict(img_path=str(path), seg_fields=[], reduce_zero_label=False))
        except OSError as error:
            raise DataError(f'{path}: cannot be read ({error.strerror or error})') from error
        except Exception as error:  # every decoder gives up in its own way
            what = 'cannot be decoded as an image' if Path(path).stat().st_size else 'an empty file (0 bytes)'
            raise DataError(f'{path}: {what}; replace or remove it') from error


def describe(image: Image) -> str:
    """What an error message calls it."""
    return f'array {image.shape} {image.dtype}' if isinstance(image, np.ndarray) else str(image)

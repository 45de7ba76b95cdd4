"""The image that an exported file is checked on."""

from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_ext.engine.preflight import dataset_configs
from mmseg_ext.errors import DataError
from mmseg_ext.reports.overlays import read_image


def check_image(cfg: Config, path: Path | None = None) -> np.ndarray:
    """(H, W, 3) uint8 BGR: the file at ``path``, else the first image of the config's test split.

    DataError when it cannot be read, or when there is none.
    """
    return read_image(path or _first_test_image(cfg))


def _first_test_image(cfg: Config) -> str:
    init_default_scope('mmseg')
    try:
        dataset = DATASETS.build(dict(dataset_configs(cfg, 'test')[0], pipeline=[]))
        return dataset.get_data_info(0)['img_path']
    except (DataError, OSError, IndexError) as error:
        raise DataError(f'no test image to check the file on ({error}); name one with --check IMAGE') from error

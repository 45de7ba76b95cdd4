"""Metadata of mmseg-ext. Exact versions for a reproducible machine are in requirements/constraints.txt."""

from pathlib import Path

from setuptools import find_packages, setup

CORE = [
    'torch>=2.6',
    'onedl-mmengine>=0.10.12',
    'onedl-mmcv>=2.3.6',
    'onedl-mmsegmentation>=1.4.2',
    'albumentations==2.0.8',
    'opencv-python>=4.10',
    'numpy>=2',
    'scikit-image>=0.24',
    'scipy>=1.13',
    'pillow>=10',
    'matplotlib>=3.9',
    'rich>=13',
    'jinja2>=3.1',
    'tensorboard>=2.18',
    'pyyaml>=6',
]
EXTRAS = {
    'gpu': ['torchvision>=0.21'],
    'augment': [
        'diffusers>=0.42',
        'transformers>=5',
        'accelerate>=1',
        'safetensors>=0.5',
        'peft>=0.17',
        'tomli>=2; python_version < "3.11"',
    ],
    'metrics': ['torchmetrics>=1.6', 'torchvision>=0.21'],
    'seggpt': ['transformers>=5', 'safetensors>=0.5'],
    'smp': ['segmentation-models-pytorch>=0.5'],
    'search': ['optuna>=5'],
    'export': ['onnx>=1.17', 'onnxscript>=0.3', 'onnxruntime>=1.20'],
    'cluster': ['ray>=2.40'],
    'dev': [
        'pytest>=8',
        'pytest-xdist>=3.6',
        'hypothesis>=6.100',
        'ruff>=0.9',
        'pre-commit>=4',
        'pycocotools>=2.0.8',
        'selenium>=4.20',
    ],
}

setup(
    name='mmseg-ext',
    version='0.1.0',
    description='Config-driven segmentation of rare, tiny defects on top of mmsegmentation',
    long_description=Path(__file__).with_name('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['mmseg_ext*', 'augment*']),
    package_data={
        'mmseg_ext.reports.page': ['*.jinja', '*.css', '*.js'],
        'mmseg_ext.sweeps.search.page': ['*.jinja'],
        'augment.config': ['presets/*.toml'],
        'augment.report': ['page/*.jinja', 'page/*.css', 'page/*.js'],
    },
    install_requires=CORE,
    extras_require=EXTRAS,
)

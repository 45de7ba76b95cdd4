"""A model in a folder, a hub's cache, and a machine without a network."""

import shutil
import socket

import pytest

REVISION = '0123456789abcdef0123456789abcdef01234567'


@pytest.fixture(scope='session')
def folder(tmp_path_factory):
    """The tiny model of seed 3 as diffusers saves it; not that of ``tiny-random``."""
    from augment.sdxl.tiny import tiny_sdxl

    path = tmp_path_factory.mktemp('tiny')
    tiny_sdxl(3).save_pretrained(path)
    return path


@pytest.fixture
def unplugged(monkeypatch):
    """No connection leaves, and a test that tries fails even when the attempt is caught on its way."""
    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError('no network here')

    for name in ('connect', 'connect_ex'):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    yield tried
    assert not tried


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub; call it to put a folder there as the one revision of a model."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'hub'))

    def put(name, source, **options):
        model = tmp_path / 'hub' / f'models--{name.replace("/", "--")}'
        (model / 'refs').mkdir(parents=True)
        (model / 'refs' / 'main').write_text(REVISION)
        shutil.copytree(source, model / 'snapshots' / REVISION, **options)
        return model / 'snapshots' / REVISION

    return put

"""Which files make a model what it is."""

from augment.files import sha256
from augment.sdxl.identity import hashes


def files_in(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_what_is_said_about_a_pipeline_is_no_part_of_it(tmp_path):
    parts = 'model_index.json', 'unet/config.json', 'unet/model.safetensors', 'tokenizer/merges.txt'
    folder = files_in(tmp_path, *parts, 'quality.json', 'notes.txt', 'README.md', 'unet/model.bin')
    assert hashes(folder) == {name: sha256(folder / name) for name in sorted(parts)}


def test_a_part_alone_lies_at_the_top_of_its_folder(tmp_path):
    folder = files_in(tmp_path, 'config.json', 'model.safetensors')
    assert set(hashes(folder)) == {'config.json', 'model.safetensors'}
    assert hashes(folder / 'model.safetensors') == {'model.safetensors': sha256(folder / 'model.safetensors')}

"""What p2p_edit.py refuses before it loads a model, and what it explains without one."""

import runpy
import sys
from pathlib import Path

import pytest
from synthetic import make_dataset

SCRIPT = Path(__file__).resolve().parents[3] / 'augment/p2p_edit.py'


@pytest.fixture
def edit(tmp_path, monkeypatch, capsys):
    """Calls the script in this process; (exit code, stdout, stderr)."""
    make_dataset(tmp_path / 'data/wta_512', counts=dict(train=2, val=1, test=1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('MMSEG_EXT_DATA', raising=False)
    monkeypatch.setattr(sys, 'path', [*sys.path])

    def call(*words):
        monkeypatch.setattr(sys, 'argv', ['p2p_edit.py', *map(str, words)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT), run_name='__main__')
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


TINY = ('--model', 'tiny-random', '--steps', '4')


def test_explained_for_the_default_prompts(edit):
    code, out, _ = edit('--word', 'peeling', '--model', 'tiny-random', '--explain')
    assert code == 0
    assert '0 1 2 3 4 -1 -1 5' in out
    assert '20 of 50' in out
    assert '15 of 50' in out
    assert 'up.self' in out


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (
            ['--word', 'peeling', '--mode', 'replace'],
            "--word peeling: control.mode 'replace' exchanges word for word",
        ),
        (['--word', 'peeling', '--source-prompt', 'crack ' * 90], 'tokens long, the model reads 77: shorten it'),
        (['--word', 'peeling', '--device', 'cuda'], '--device cuda: no CUDA device here'),
        (['--word', 'peeling', '--device', 'qpu'], '--device qpu: no device of that name'),
        (['--word', 'peeling', '--model', 'nowhere/at_all.safetensors'], 'no such folder or .safetensors file'),
        (['--word', 'peeling', '--model', 'owner/name', '--offline'], 'get it with: hf download owner/name'),
        (['--word', 'peeling', '--split', 'val'], 'only train is edited'),
        (['--word', 'peeling', '--out', '/proc/edits'], 'cannot write there'),
    ],
)
def test_refused_in_one_line(edit, words, said, monkeypatch):
    if '--device' in words:
        monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    code, out, error = edit(*([] if '--model' in words else TINY), *words)
    assert code == 2
    assert error.splitlines()[-1].startswith('error: ')
    assert said in error
    assert not out


def test_a_word_is_needed(edit):
    code, _, error = edit('--model', 'tiny-random')
    assert code == 2
    assert 'the following arguments are required: --word' in error


def test_a_dry_run(edit):
    code, out, _ = edit('--word', 'peeling', *TINY, '--dry-run')
    assert code == 0
    assert out.splitlines()[-1] == 'nothing was written'
    assert not Path('data/wta_512_peeling_trial').exists()


def test_a_limit_and_no_labels(edit):
    words = (
        '--word',
        'rust',
        *TINY,
        '--img-dir',
        'data/wta_512/img_dir/train',
        '--limit',
        '1',
        '--inversion',
        'npi',
    )
    code, out, error = edit(*words)
    assert code == 0
    assert 'no labels: whole frames' in error
    assert sorted(path.name for path in Path('data/train_rust_trial/img_dir/train').iterdir()) == [
        'train_000.png', 'train_000__rust.png'
    ]  # fmt: skip
    assert not Path('data/train_rust_trial/ann_dir').exists()
    assert 'tools/train.py' not in out


def test_an_explanation_needs_no_data_set(edit, tmp_path, monkeypatch):
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path / 'empty')
    code, out, _ = edit('--word', 'peeling', '--model', 'tiny-random', '--explain')
    assert code == 0
    assert 'mapper' in out


def test_the_noise_of_a_trial_does_not_take_the_name_of_the_set(edit):
    _, out, _ = edit('--word', 'peeling', '--model', 'tiny-random', '--dry-run')
    assert f'{Path("data/wta_512_peeling_trial")}: peeling' in out

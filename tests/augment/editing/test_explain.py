"""What is said about an edit before it runs is what it does."""

import pytest

from augment.config.settings import BlendSettings, ControlSettings, EditSettings, InversionSettings, RLISettings
from augment.editing.explain import explain
from augment.editing.targets import Target
from augment.errors import UsageError


@pytest.fixture(scope='module')
def said(pipe):
    """A function of settings and words to the lines of their explanation."""

    def explained(words=('peeling',), **changes):
        tokenizers = pipe.tokenizer, pipe.tokenizer_2
        text = explain(EditSettings(**changes), words, tokenizers, pipe.unet.config, (16, 16))
        return [' '.join(line.split()) for line in text.splitlines()]

    return explained


def test_default_prompts(said):
    lines = said()
    assert lines[:2] == ['source photo of a crack', 'target photo of a crack with peeling']
    assert "4 crack 4 crack the source's" in lines
    assert '5 with new its own' in lines
    assert '6 peeling new its own x 2' in lines
    assert "7 <|endoftext|> 5 <|endoftext|> the source's" in lines
    assert "8-76 (filling) the same the source's" in lines
    assert 'mapper 0 1 2 3 4 -1 -1 5 8 9 … 76 (-1: new, keeps its own attention)' in lines


def test_windows(said):
    lines = said()
    assert 'cross-attention of the source 20 of 50 steps 0 to 19' in lines
    assert 'self-attention of the source 15 of 50 steps 0 to 14' in lines
    assert 'factors on words 20 of 50 steps 0 to 19' in lines
    assert 'pooled embedding of the source 0 of 50 never' in lines
    assert 'bounded by label 40 of 50 steps 10 to 49' in lines


def test_windows_that_were_changed(said):
    control = ControlSettings(
        cross_window=0, equalizer_window='all', self_window=1, pooled='source-in-cross-window'
    )
    lines = said(steps=20, control=control, blend=BlendSettings(by='none'))
    assert 'cross-attention of the source 0 of 20 never' in lines
    assert 'self-attention of the source 20 of 20 steps 0 to 19' in lines
    assert 'factors on words 20 of 20 steps 0 to 19' in lines
    assert not any(line.startswith(('bounded', 'remark')) for line in lines)


def test_layers(said, pipe):
    lines = said()
    heading = next(line for line in lines if line.startswith('attention at'))
    assert heading.startswith('attention at 128 x 128 pixels; self-attention follows the source up to 16 = ')
    assert 'down.self 1 64 no no' in lines
    assert 'up.self 4 16 yes 0.1' in lines
    table = [line.split() for line in lines if line.startswith(('down.', 'mid.', 'up.'))]
    assert sum(int(row[1]) for row in table) == len(pipe.unet.attn_processors)


def test_layers_that_were_changed(said):
    lines = said(control=ControlSettings(self_limit=0), rli=RLISettings(0.3, ('mid.self',)))
    assert 'up.self 4 16 no no' in lines
    assert 'mid.self 2 16 no 0.3' in lines
    assert 'remark: no self-attention layer is within the limit: the layout of the source is not kept' in lines


@pytest.mark.parametrize(
    ('changes', 'words', 'cost'),
    [
        ({}, ['rust'], '100 rows through the UNet a word and 20 shared by all: 120 here'),
        ({}, ['rust', 'dent', 'peeling'], '100 rows through the UNet a word and 20 shared by all: 320 here'),
        ({'blend': BlendSettings('attention')}, ['rust'], '20 shared by all'),
        ({'blend': BlendSettings('attention')}, [Target('rust', blend_words=('crack',))], '50 shared by all: 150'),
        ({'inversion': InversionSettings('ddim')}, ['rust'], '100 shared by all: 200 here'),
    ],
)
def test_cost_is_that_which_is_counted_elsewhere(said, changes, words, cost):
    assert cost in next(line for line in said(words, **changes) if line.startswith('cost'))


def test_guidance_says_what_it_leads_away_from(said):
    assert any(
        '15, away from embeddings fitted to the photograph, beginning at the source' in line for line in said()
    )
    assert any('away from the empty prompt (ddim)' in line for line in said(inversion=InversionSettings('ddim')))
    assert any(
        'away from the empty prompt (direct)' in line for line in said(inversion=InversionSettings('direct'))
    )
    assert any('not held on' in line for line in said(inversion=InversionSettings('ddim')))
    assert any('away from the source prompt (npi)' in line for line in said(inversion=InversionSettings('npi')))


def test_replaced_words(said):
    target = Target('blistering', 'photo of a blistering')
    lines = said([target], control=ControlSettings(mode='replace'))
    assert any(line.startswith('4 ') and '4 crack' in line and line.endswith('x 2') for line in lines)
    assert not any(line.startswith('mapper') for line in lines)


def test_edits_that_do_nothing_are_remarked(said):
    same = said([Target('crack', 'photo of a crack')])
    assert any('is the source prompt' in line for line in same)
    empty = said(control=ControlSettings(cross_window=0))
    assert 'remark: the cross-attention window is empty, so that factors on words have no effect' in empty
    assert any('guidance 1 ' in line for line in said(guidance=1))


def test_each_word_has_its_own_tokens(said):
    assert sum(line.startswith('mapper') for line in said(['rust', 'dent'])) == 2


def test_word_that_the_prompt_lacks(said):
    with pytest.raises(UsageError, match='does not say'):
        said([Target('rust', 'photo of a dent')])

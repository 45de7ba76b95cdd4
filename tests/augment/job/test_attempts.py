"""The ladder: memory, precision, quality. Every fall is written down, and none is taken twice."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_studio import FakeStudio, paint, run

from augment.config.plain import overridden
from augment.config.settings import EditSettings
from augment.dataset.manifest import read_records
from augment.editing.photo import Photo
from augment.editing.runtime import Runtime
from augment.errors import NonFiniteError
from augment.job.attempts import Attempts, Verdict
from augment.job.ladder import Rung, is_out_of_memory, lighter, milder, more_exact, worth_retrying

READY = Runtime(batch=4)
LABEL = np.zeros((64, 64), np.uint8)
LABEL[20:30, 20:30] = 1
PHOTO = Photo('tile', np.full((64, 64, 3), 90, np.uint8), LABEL)
OUT_OF_MEMORY = [
    'batch 4 -> 2', 'batch 2 -> 1', 'checkpointing on', 'split guidance on', 'resolution 1024 -> 768',
    'resolution 768 -> 512',
]  # fmt: skip


def record_of(data, stem='train_000'):
    return read_records(data.with_name('wta_512_peeling_trial'))[f'{stem}__peeling']


def changes(record):
    return [each['change'] for each in record['attempts']]


def test_the_ladder_of_memory_is_walked_step_by_step():
    rung, seen = Rung(EditSettings(), READY), []
    while fall := lighter(rung, 1024):
        seen.append(fall.change)
        rung = fall.rung
    assert seen == OUT_OF_MEMORY
    assert rung.runtime == Runtime(batch=1, checkpointing=True, split_guidance=True)
    assert rung.settings == overridden(EditSettings(), {'crop.resolution': 512})


@pytest.mark.parametrize(
    ('native', 'asked', 'sides'), [(128, 0, [64]), (64, 0, []), (1024, 640, [512]), (1024, 512, [])]
)
def test_no_canvas_is_smaller_than_half_of_what_the_model_knows(native, asked, sides):
    settings = overridden(EditSettings(), {'crop.resolution': asked})
    rung, seen = Rung(settings, Runtime(checkpointing=True, split_guidance=True)), []
    while fall := lighter(rung, native):
        rung = fall.rung
        seen.append(rung.settings.crop.resolution)
    assert seen == sides


def test_out_of_memory_halves_the_batch_for_all_that_follow(data, capsys):
    def react(photo, words, rung, call):
        if rung.runtime.batch > 2:
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 9 GiB')

    studio = FakeStudio(react)
    assert run(studio, '--word', 'peeling', runtime=READY) == 0
    assert [rung.runtime.batch for *_, rung in studio.calls] == [4, 2, 2, 2]
    assert record_of(data)['attempts'] == [{'change': 'batch 4 -> 2', 'why': 'out of memory'}]
    assert record_of(data, 'train_001')['attempts'] == []
    assert record_of(data, 'train_001')['runtime']['batch'] == 2
    assert 'out of memory: batch 4 -> 2 from here on' in capsys.readouterr().err


def test_a_smaller_canvas_is_for_one_photograph_only(data, capsys):
    def react(photo, words, rung, call):
        if photo.stem == 'train_000' and rung.settings.crop.resolution != 768:
            raise torch.OutOfMemoryError

    studio = FakeStudio(react)
    run(studio, '--word', 'peeling', runtime=READY)
    assert changes(record_of(data)) == OUT_OF_MEMORY[:5]
    assert [rung.settings.crop.resolution for *_, rung in studio.calls[-2:]] == [0, 0]
    assert studio.calls[-1][2].runtime.split_guidance
    assert 'resolution' not in capsys.readouterr().err


def test_at_the_end_of_the_ladder_the_photograph_fails(data):
    def react(photo, words, rung, call):
        if photo.stem == 'train_001':
            raise torch.OutOfMemoryError

    studio = FakeStudio(react)
    assert run(studio, '--word', 'peeling', runtime=READY) == 3
    assert studio.stems.count('train_001') == len(OUT_OF_MEMORY) + 1
    record = record_of(data, 'train_001')
    assert (record['status'], record['error']) == ('failed', 'out of memory')
    assert changes(record) == OUT_OF_MEMORY
    assert record_of(data, 'train_002')['status'] == 'ok'


def test_what_is_not_finite_is_tried_in_fp32_then_failed_with_the_record(data):
    def react(photo, words, rung, call):
        if photo.stem == 'train_000' and rung.runtime.dtype != 'fp32':
            raise NonFiniteError('step 3 of 50')
        if photo.stem == 'train_001':
            raise NonFiniteError('step 4 of 50')

    studio = FakeStudio(react, half=True)
    assert run(studio, '--word', 'peeling') == 3
    assert [(stem, rung.runtime.dtype) for stem, _, rung in studio.calls] == [
        ('train_000', 'auto'), ('train_000', 'fp32'), ('train_001', 'auto'), ('train_001', 'fp32'),
        ('train_002', 'auto'),
    ]  # fmt: skip
    assert record_of(data)['attempts'] == [{'change': 'precision -> fp32', 'why': 'not finite: step 3 of 50'}]
    failed = record_of(data, 'train_001')
    assert failed['error'] == 'not finite: step 4 of 50'
    assert changes(failed) == ['precision -> fp32']


def test_in_fp32_there_is_no_second_try(data):
    def react(photo, words, rung, call):
        raise NonFiniteError('step 3')

    studio = FakeStudio(react)
    assert run(studio, '--word', 'peeling', '--limit', '1') == 3
    assert len(studio.calls) == 1


def test_an_inversion_that_stalls_is_tried_in_fp32_and_then_taken(data):
    def react(photo, words, rung, call):
        return [replace(paint(photo, word), stalled=True) for word in words]

    studio = FakeStudio(react, half=True)
    assert run(studio, '--word', 'peeling', '--limit', '1') == 0
    assert [rung.runtime.dtype for *_, rung in studio.calls] == ['auto', 'fp32']
    assert record_of(data)['attempts'] == [{'change': 'precision -> fp32', 'why': 'the inversion did not improve'}]


@pytest.mark.parametrize(
    ('stalls_in', 'tried', 'said'),
    [
        (('auto',), ['auto', 'fp32'] * 3 + ['fp32'] * 2, 'in fp32 from here on'),
        (('auto', 'fp32'), ['auto', 'fp32'] * 3 + ['auto'] * 2, 'no more of it'),
    ],
)
def test_three_photographs_show_whether_fp32_is_worth_its_time(stalls_in, tried, said):
    def react(photo, words, rung, call):
        return [replace(paint(photo, word), stalled=rung.runtime.dtype in stalls_in) for word in words]

    studio, lines = FakeStudio(react, half=True), []
    attempts = Attempts(
        studio, EditSettings(), Runtime(), lambda _, edited, __: Verdict(edited, None, {}, []), lines.append
    )
    for _ in range(5):
        attempts.work_on(PHOTO, ['rust'])
    assert [rung.runtime.dtype for *_, rung in studio.calls] == tried
    (line,) = lines
    assert said in line


def test_one_photograph_between_that_does_without_fp32_begins_the_count_anew():
    def react(photo, words, rung, call):
        stalled = rung.runtime.dtype == 'auto' and photo.stem != 'fine'
        return [replace(paint(photo, word), stalled=stalled) for word in words]

    studio = FakeStudio(react, half=True)
    attempts = Attempts(studio, EditSettings(), Runtime(), lambda _, edited, __: Verdict(edited, None, {}, []))
    for stem in ('a', 'b', 'fine', 'c', 'd'):
        attempts.work_on(replace(PHOTO, stem=stem), ['rust'])
    assert attempts.runtime.dtype == 'auto'


def test_memory_that_only_fp32_lacks_is_no_news_for_the_others(data):
    def react(photo, words, rung, call):
        if rung.runtime.dtype != 'fp32':
            raise NonFiniteError('step 3')
        if rung.runtime.batch > 1:
            raise torch.OutOfMemoryError

    studio = FakeStudio(react, half=True)
    run(studio, '--word', 'peeling', '--limit', '2', runtime=Runtime(batch=2))
    assert [(rung.runtime.dtype, rung.runtime.batch) for *_, rung in studio.calls] == [
        ('auto', 2), ('fp32', 2), ('fp32', 1)
    ] * 2  # fmt: skip


def test_milder_settings_each_on_top_of_the_one_before():
    falls = [*milder(Rung(EditSettings(), Runtime()))]
    assert [fall.change for fall in falls] == ['guidance 15 -> 7.5', 'equalizer 2 -> 1.5', 'alpha 0.1 -> 0.2']
    last = falls[-1].rung.settings
    assert (last.guidance, last.control.equalizer, last.rli.alpha) == (7.5, 1.5, 0.2)


def test_what_is_mild_already_is_not_made_stronger():
    mild = overridden(EditSettings(), {'guidance': 4.0, 'control.equalizer': 1.0, 'rli.alpha': 0.0})
    assert [fall.change for fall in milder(Rung(mild, Runtime()))] == ['guidance 4 -> 2']


def test_retrying_is_for_gates_that_other_settings_may_open():
    assert worth_retrying(['seam', 'survival'])
    assert not worth_retrying([])
    assert not worth_retrying(['largest_area', 'seam'])


def test_fp32_is_only_tried_where_less_was():
    assert more_exact(Rung(EditSettings(), Runtime()), reduced=True).rung.runtime.dtype == 'fp32'
    assert more_exact(Rung(EditSettings(), Runtime()), reduced=False) is None
    assert more_exact(Rung(EditSettings(), Runtime('fp32')), reduced=True) is None


def test_memory_errors_are_known_on_every_device():
    assert is_out_of_memory(torch.OutOfMemoryError('CUDA out of memory'))
    assert is_out_of_memory(
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    )
    assert is_out_of_memory(RuntimeError('DefaultCPUAllocator: not enough memory: you tried'))
    assert not is_out_of_memory(RuntimeError('mat1 and mat2 shapes cannot be multiplied'))

"""The report of a project as files: what the page holds, what is escaped, what it says where something lacks."""

import base64
import hashlib
import re
import shutil
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from fake_project import draw_confusions, make_fake_project, write_failure, write_plan, write_run

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.page import write, write_report

STRANGE = ('background', '<b>bold</b>', 'a&b', '$x$ "q"', '裂纹')


@pytest.fixture
def project(tmp_path):
    return tmp_path / 'work_dirs/mine'


def page_of(project, **options) -> str:
    return write_report(project, **options)[0].read_text(encoding='utf-8')


def words(page: str) -> str:
    """What a reader sees of a page, in one line."""
    seen = []

    class Reader(HTMLParser):
        hidden = False

        def handle_starttag(self, tag, attributes):
            self.hidden = tag in ('style', 'script')

        def handle_endtag(self, tag):
            self.hidden = False

        def handle_data(self, data):
            if not self.hidden:
                seen.append(data)

    Reader().feed(page)
    return ' '.join(' '.join(seen).split())


def test_three_files_and_no_others(tmp_path):
    project = make_fake_project(tmp_path, seeds=2, images=5)
    before = set(project.rglob('*'))
    paths = write_report(project)
    assert [path.name for path in paths] == ['report.html', 'tables.md', 'results.csv']
    assert set(project.rglob('*')) - before == set(paths)
    elsewhere = write_report(project, tmp_path / 'a/b')
    assert [path.parent for path in elsewhere] == [tmp_path / 'a/b'] * 3
    assert [path.read_bytes() for path in elsewhere] == [path.read_bytes() for path in paths]  # nothing by chance


def test_a_page_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    project = make_fake_project(tmp_path, seeds=1, images=5)
    (project / 'report.html').write_text('old')
    monkeypatch.setattr(write, 'render', lambda page: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(project)
    assert (project / 'report.html').read_text() == 'old'
    assert not list(project.glob('.*'))


def test_what_the_page_says(tmp_path):
    project = make_fake_project(tmp_path, images=30, gain=0.3)
    failed = write_failure(project / 'exp/late/one/seed7', 'the GPU has no memory left')
    (failed / 'log.txt').write_text('x')
    rows = {('Late', 'one'): ['exp/late/one/seed7', 'exp/late/one/seed8']}
    write_plan(project, 'late', rows, title='Late runs')
    said = words(page_of(project))
    assert 'Runs finished 12 of 14 Failed 1 Seeds 0, 1, 2 Test images 30' in said
    assert 'Code 0123456789 Machine cpu x 1' in said
    assert f'1 run failed Run Seed Why Log Late, one 7 the GPU has no memory left {failed / "log.txt"}' in said
    assert '1 more run has no result yet' in said
    assert 'Late runs No score for the defects: no run is finished' in said
    assert 'has the highest mIoU of the defects' in said
    assert 'Of 2 rows compared with their baseline: 2 better.' in said
    assert 'Plots follow with the first finished run.' in said
    for heading in ('Attached IoU', 'Broken Acc', 'mIoU', 'mAcc', 'What changed', 'Validation while training'):
        assert heading in said


def test_nothing_is_asked_of_the_network_and_only_our_script_may_run(tmp_path):
    page = page_of(make_fake_project(tmp_path, seeds=1, images=5))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    script = re.search(r'<script>(.*?)</script>', page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in policy
    sources = re.findall(r'(?<![\w:-])(?:src|href|xlink:href|action|data)="([^"]*)"', page)
    assert len(sources) > 50
    assert {source[:1] for source in sources if not source.startswith('data:')} == {'#'}
    assert not re.search(r'@import|url\((?!#)', page)


def test_names_stay_text(project):
    rows = {}
    for k, group in enumerate(('<i>one</i>', ':warning:', '{{ 7 * 7 }}')):
        run = f'exp/m/r{k}/seed0'
        write_run(project / run, draw_confusions(12, 0.5, seed=k, classes=5), STRANGE, seed=0)
        rows['<u>Net</u>', group] = [run]
    write_plan(project, 'p', rows, title='a < b & c', columns=('<Model>', ''))
    page = page_of(project)
    said = words(page)
    for text in (*STRANGE[1:], '<i>one</i>', ':warning:', '{{ 7 * 7 }}', '<u>Net</u>', 'a < b & c', '<Model>'):
        assert text in said
    for tag in ('<b>', '<i>', '<u>', '<Model>'):
        assert tag not in page


def test_what_is_missing_is_said(tmp_path):
    project = make_fake_project(tmp_path, seeds=1, images=5)
    sentences = ('No run recorded a validation score of a defect.', 'No scores of single images')
    assert not any(sentence in words(page_of(project)) for sentence in sentences)
    for run in project.glob('exp/*/*/seed*'):
        shutil.rmtree(run / 'train/20260101_000000')
        (run / 'test/per_image.csv').unlink()
    said = words(page_of(project))
    for sentence in (*sentences, 'No run left a sheet of its worst images.'):
        assert sentence in said


def test_one_run_alone(project):
    write_run(project / 'exp/m/recipe', draw_confusions(5, 0.5))
    said = words(page_of(project))
    assert 'm, recipe: mIoU of the defects' in said
    assert '(one seed), with nothing to compare it with.' in said
    assert 'It takes two rows with a score.' in said


def test_all_failed(project):
    write_failure(project / 'exp/m/recipe/seed0', 'killed by signal 9 (out of memory?)')
    said = words(page_of(project))
    assert 'Runs finished 0 of 1 Failed 1' in said
    assert 'killed by signal 9 (out of memory?)' in said


def test_no_defect_in_the_test_set(project):
    clean = np.zeros((4, 3, 3), int)
    clean[:, 0, 0] = 100
    for seed in (0, 1):
        write_run(project / f'exp/m/recipe/seed{seed}', clean, seed=seed)
    said = words(page_of(project))
    assert 'no run is finished, or there is none in the test set' in said
    assert 'No score of a defect' in said
    assert 'No scores of single images' in said


def test_results_without_counts_as_earlier_versions_left_them(project):
    for k in (0, 1):
        run = write_run(project / f'exp/m/r{k}', draw_confusions(5, 0.5, seed=k), confusion=None, commit=None)
        table = run / 'test/per_image.csv'
        table.write_text(table.read_text().replace('correct.', 'right.'))
    said = words(page_of(project))
    assert 'No result holds a confusion matrix.' in said
    assert 'Code unknown' in said


def test_a_damaged_sheet_is_left_out_and_a_good_one_is_shrunk(project):
    for k in (0, 1):
        write_run(project / f'exp/m/r{k}', draw_confusions(5, 0.5, seed=k))
    (project / 'exp/m/r0/test/worst.png').write_bytes(b'half a fi')
    cv2.imwrite(str(project / 'exp/m/r1/test/worst.png'), np.full((300, 2200, 3), 7, np.uint8))
    page = page_of(project)
    (image,) = re.findall(r'<img [^>]+>', page)
    assert 'loading="lazy"' in image
    assert 'width="1100" height="150"' in image
    data = base64.b64decode(re.search(r'base64,([^"]+)"', image)[1])
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (150, 1100, 3)


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(UsageError, match='no run there; give the folder of a project'):
        write_report(tmp_path / 'nowhere')
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_where_it_said(tmp_path):
    told = []
    write_report(make_fake_project(tmp_path, seeds=1, images=5), progress=lambda done, n: told.append((done, n)))
    assert [done for done, _ in told] == list(range(1, told[0][1] + 1))
    assert len({n for _, n in told}) == 1

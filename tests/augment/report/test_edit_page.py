"""The report as files: what stands in them, how large they are, and what is escaped."""

import base64
import csv
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from fake_edits import line_of, make_fake_edits

from augment.errors import DataError
from augment.report import write, write_report


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


@pytest.fixture(scope='module')
def html(edits) -> str:
    return (edits / 'report.html').read_text(encoding='utf-8')


def test_what_the_page_says(html):
    said = words(html)
    assert 'Photographs 30 Words 2 Inversion null-text Guidance 15 Steps 50 Gates enforce' in said
    assert 'Model stable-diffusion-xl-base-1.0 Begun 2030-01-01 12:00' in said
    assert '39 of 60 edits can be used (65 %), of 21 photographs.' in said
    assert '9 rejected edits in quarantine/: defect erased 6, visible seam 3.' in said
    assert 'Outside its region, each of the 39 is the photograph, pixel for pixel.' in said
    assert '6 failed OutOfMemoryError: the GPU has no memory left which' in said
    assert '6 skipped no defect is labelled which' in said
    assert re.search(r'Visible seam: \d+\.\d\d×, not at most 2×', said)
    assert 'Tried again: guidance 7.5 (defect erased); equalizer 1.5 (defect erased).' in said
    assert re.search(r'Seam step at the edge .* at most 2× .* 3 of 48 fail', said)
    assert 'settings.inversion.method null-text' in said


def test_a_card_for_each_edit_that_is_shown(html):
    """Of each word 10 usable ones; of the rejected 3 and 5 (of 6)."""
    cards = re.findall(r'<article class="card (\w+)" data-id="\w+__(\w+)"', html)
    assert [cards.count(kind) for kind in (('ok', 'peeling'), ('ok', 'rust'))] == [10, 10]
    assert [cards.count(kind) for kind in (('rejected', 'peeling'), ('rejected', 'rust'))] == [3, 5]
    assert len(re.findall(r'<tr data-id=', html)) == 60
    assert '11 more edits of this word' in words(html)
    assert html.count('1 of 2 windows') == 2


def test_links_lead_to_files(html, edits):
    links = set(re.findall(r'<a (?:class="tile frame" )?href="([^"#]+)"', html))
    assert len(links) == 48 + 2  # each edit that was made, and the two tables
    assert all((edits / link).is_file() for link in links)


def test_the_table_has_every_line_and_every_score(edits):
    with (edits / 'report.csv').open(encoding='utf-8', newline='') as file:
        rows = {row['id']: row for row in csv.DictReader(file)}
    lines = [json.loads(text) for text in (edits / 'manifest.jsonl').read_text().splitlines()]
    assert list(rows) == sorted(line['id'] for line in lines)
    for line in lines:
        row = rows[line['id']]
        assert (row['status'], row['failed_gates']) == (line['status'], ' '.join(line['failed_gates']))
        for score, value in line['scores'].items():
            assert row.get(score, '') == ('' if value is None else str(float(value)))
    assert rows['tile_005__rust']['reason'] == 'OutOfMemoryError: the GPU has no memory left'


def test_only_the_pages_own_script_may_run(html):
    (script,) = re.findall(r'<script>(.*?)</script>', html, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'; img-src data:" in html


def test_the_number_of_pictures_is_limited(edits, html, tmp_path):
    assert len(html) < 40_000 * 28 + 60_000
    out = make_fake_edits(tmp_path / 'few', photographs=4)
    page = write_report(out, pictures=1).read_text(encoding='utf-8')
    assert len(re.findall('<article', page)) == 4  # one usable and one rejected a word
    assert len(re.findall('<tr data-id', page)) == 8
    told = []
    write_report(out, pictures=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (out / 'report.html').read_text(encoding='utf-8') == page  # nothing by chance


def test_whatever_comes_from_files_is_escaped(tmp_path):
    nasty = '<script>alert("x")</script>'
    lines = [line_of(nasty, '<b>bold</b>', 'failed', error=nasty), line_of('a', 'rust', 'rejected', reason=nasty)]
    (tmp_path / 'manifest.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (tmp_path / 'run.json').write_text(json.dumps({'settings': {'source_prompt': nasty}}))
    page = write_report(tmp_path).read_text(encoding='utf-8')
    assert page.count('<script>') == 1
    assert '<b>bold' not in page
    assert nasty in words(page)


def test_a_folder_with_little_in_it(tmp_path):
    """No run.json, no meta.json, no picture, an unknown gate: said as far as it is known."""
    line = line_of(
        'a', 'rust', 'rejected', failed_gates=['new'], scores={'seam': 3.0}, output={'image': 'gone.png'}
    )
    (tmp_path / 'manifest.jsonl').write_text(json.dumps(line) + '\n')
    said = words(write_report(tmp_path).read_text(encoding='utf-8'))
    assert '0 of 1 edit can be used (0 %), of 0 photographs.' in said
    assert '1 rejected edit in quarantine/: new 1.' in said
    assert 'Settings and provenance' not in said


def test_an_empty_manifest_is_a_page_too(tmp_path):
    (tmp_path / 'manifest.jsonl').touch()
    assert '0 of 0 edits can be used' in words(write_report(tmp_path).read_text(encoding='utf-8'))


def test_a_page_that_fails_leaves_the_old_one(edits, tmp_path, monkeypatch):
    (tmp_path / 'manifest.jsonl').touch()
    (tmp_path / 'report.html').write_text('old')
    monkeypatch.setattr(write, 'render', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(tmp_path)
    assert (tmp_path / 'report.html').read_text() == 'old'
    assert not list(tmp_path.glob('.*'))


def test_no_manifest_is_said(tmp_path):
    with pytest.raises(DataError, match='is no set of edits'):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []

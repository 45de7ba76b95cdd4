"""What the name of a score says of it."""

import pytest

from mmseg_ext.score_names import is_of_class, rounded, spoken, tag_of


@pytest.mark.parametrize(
    ('name', 'of_class', 'tag'),
    [
        ('mIoU_fg', False, None),
        ('val_loss', False, None),
        ('IoU.crack', True, None),
        ('IoU.a@b', True, None),  # a class may be called so
        ('ODS@bsds-2px', False, 'bsds-2px'),
        ('ODS@bsds-0.0075d', False, 'bsds-0.0075d'),
        ('mBF@1.5px', False, '1.5px'),
        ('BF.pole@1.5px', True, None),
        ('threshold@macro-1.5px-thin-1to1', False, 'macro-1.5px-thin-1to1'),
    ],
)
def test_class_and_tag(name, of_class, tag):
    assert is_of_class(name) is of_class
    assert tag_of(name) == tag


@pytest.mark.parametrize(
    ('tag', 'words'),
    [
        ('deepcrack_tip-2px', 'deepcrack_tip, 2 px'),
        ('macro-0px', 'macro, 0 px'),
        ('bsds-0.0075d-thin-1to1', 'bsds, 0.0075 of the diagonal, thinned, matched one to one'),
        ('crackformer-1.5px-1to1', 'crackformer, 1.5 px, matched one to one'),
        ('1.5px', '1.5 px'),
        ('something else', 'something else'),
        ('bsds-2px-new', 'bsds-2px-new'),
    ],
)
def test_tags_in_words(tag, words):
    assert spoken(tag) == words


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('mIoU_fg', '0.12'),
        ('IoU.a@b', '0.12'),
        ('ODS@bsds-0.0075d', '0.1235'),
        ('threshold@bsds-2px', '0.12'),
        ('mBF_fg@2px', '0.12'),
        ('BF.a@2px', '0.12'),
    ],
)
def test_scores_of_a_tag_have_four_digits_but_percentages(name, text):
    assert rounded(name, 0.123456) == text

"""Drawn stand-in for photographs that may not be shared: worn blades with attached and broken defects.

``render_set`` draws the demo set, ``render_words`` windows of such blades that teach what six words look like, and
``add_word`` puts such a word into a picture.
"""

from mmseg_ext.rendering.settings import RenderSettings, WordSettings
from mmseg_ext.rendering.word_set import render_words
from mmseg_ext.rendering.words import WORDS, add_word
from mmseg_ext.rendering.write import render_set

__all__ = ['WORDS', 'RenderSettings', 'WordSettings', 'add_word', 'render_set', 'render_words']

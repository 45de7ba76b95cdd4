# Six words, rendered around the defects of blades, as types to be asked for by a prompt: peeling, rust and so on.
#
#   python tools/render_demo_data.py --words --count 1500 --out data/demo_words
_base_ = './_loaders.py'
num_classes = 2
words = ['scratch', 'rust', 'peeling', 'corrosion', 'blistering', 'dent']
words = dict(
    type='CheckedSegDataset',
    data_root='data/demo_words',
    data_prefix=dict(img_path='images', seg_map_path='words'),
    metainfo=dict(classes=['background', *words]),
)
train, val, test = (dict(words, ann_file=f'{split}.txt') for split in ('train', 'val', 'test'))
pairs = dict(_delete_=True, type='PromptPairDataset', negative_ratio=0.5)
train_dataloader = dict(dataset=dict(pairs, datasets=train))
val_dataloader = dict(dataset=dict(pairs, datasets=val, prompts=train, test_mode=True))
test_dataloader = dict(dataset=dict(pairs, datasets=test, prompts=train, test_mode=True))
val_evaluator = test_evaluator = dict(type='PromptedMetric')
del words, train, val, test, pairs

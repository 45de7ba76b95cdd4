# The set of the SegGPT experiments as pairs: its eleven types are the prefixes of its file names, such as
# mouse_bite_000518, so that masks of one class (prepare_dataset.py --binary) serve as well as those of eleven.
_base_ = './seggpt.py'
num_classes = 2
train, val, test = (dict(_base_[f'{split}_dataloader'].dataset) for split in ('train', 'val', 'test'))
pairs = dict(_delete_=True, type='PromptPairDataset', type_by='prefix', negative_ratio=0.5)
train_dataloader = dict(dataset=dict(pairs, datasets=train))
val_dataloader = dict(dataset=dict(pairs, datasets=val, prompts=train, test_mode=True))
test_dataloader = dict(dataset=dict(pairs, datasets=test, prompts=train, test_mode=True))
val_evaluator = test_evaluator = dict(type='PromptedMetric', _delete_=True)
del train, val, test, pairs

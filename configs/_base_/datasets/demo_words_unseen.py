# demo_words, trained and validated without any picture of one word, tested on that word alone. For another word:
# --cfg-options train_dataloader.dataset.hold_out=[rust], val likewise, and test_dataloader.dataset.types=[rust].
_base_ = './demo_words.py'
unseen = ['dent']
train_dataloader = val_dataloader = dict(dataset=dict(hold_out=unseen))
test_dataloader = dict(dataset=dict(types=unseen))
del unseen

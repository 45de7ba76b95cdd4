# wta_512 with edited training images of "peeling" whose masks were drawn anew from the edit.
_base_ = './wta_512.py'
train_dataloader = dict(dataset=dict(data_root='{{$MMSEG_EXT_DATA:data}}/wta_512_peeling_relabeled'))

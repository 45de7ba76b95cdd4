# wta_512 with training images edited towards "blistering"; validation and test stay the real photographs.
_base_ = './wta_512.py'
train_dataloader = dict(dataset=dict(data_root='{{$MMSEG_EXT_DATA:data}}/wta_512_blistering'))

# Drawn blades with the classes of the WTA set; tools/render_demo_data.py writes them to data/.
_base_ = './_loaders.py'
num_classes = 3
dataset = dict(type='WTADataset', data_root='data/demo_blade')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset

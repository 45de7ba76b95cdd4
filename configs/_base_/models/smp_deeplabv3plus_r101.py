# DeepLabV3+ on ResNet-101 as segmentation_models_pytorch has it: features at a sixteenth of the image's side, one
# output. 45,672,026 parameters with ten classes. Another encoder or architecture: --cfg-options
# model.encoder_name=tu-convnext_tiny model.encoder_weights=None model.arch=Unet
_base_ = './_segmentor.py'
model = dict(
    type='SMPSegmentor',
    arch='DeepLabV3Plus',
    encoder_name='resnet101',
    encoder_weights='imagenet',
    arch_options=dict(),
)

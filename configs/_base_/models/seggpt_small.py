# SegGPT's network made for a CPU and trained from scratch: images of 128 px in patches of 16, 6 layers of 192
# channels, a decoder of 16. 6.0 M parameters; a step of batch 8 is 0.5 s of one core.
_base_ = './seggpt_vit-large.py'
model = dict(
    # From scratch it would else paint everything in the colour of the background, which most pixels have.
    foreground_weight=10.0,
    network=dict(
        pretrained=None,
        config=dict(
            image_size=(256, 128),
            patch_size=16,
            pretrain_image_size=128,
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=3,
            decoder_hidden_size=16,
            drop_path_rate=0.0,
            merge_index=1,
            intermediate_hidden_state_indices=[2, 3, 4, 5],
        ),
    ),
)

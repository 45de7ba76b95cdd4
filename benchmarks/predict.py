"""How much of the network's own speed is left when whole folders are predicted, files and all.

python benchmarks/predict.py RUN data/demo_blade/img_dir/test                # masks and tables, then overlays too
python benchmarks/predict.py RUN FOLDER --threads 1 --pairs 9 --repeat 4     # each image four times a round

One round of ours decodes every image, normalises, runs the network, decides classes and writes masks and tables
(and, in the second row, overlays). It alternates in one process with a round of a peer on images that are decoded
and in memory already, none of whose results is looked at or stored:

* forward: the network on normalised, padded tensors up to logits of the image's size, no more.
* mmseg: ``model.test_step`` on uint8 tensors, which is the same with normalisation and mmseg's own argmax.

Printed are images per second (medians) and medians of the pairwise ratios, 1.00 = as fast as the peer: by the
clock, by CPU time of the thread that runs the network, and by CPU time of all threads. The clock needs a core
that nobody else uses to come to the second ratio; on a busy machine it falls towards the third.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmseg.structures import SegDataSample

import mmseg_ext
from mmseg_ext.inference import Predictor
from mmseg_ext.inference.folder import FolderWriter, predict_folder
from mmseg_ext.inference.images import NamedImage, find_images


def forward_round(predictor: Predictor, tensors: list[torch.Tensor]) -> Callable[[], None]:
    """The bare network on everything that can be prepared before."""
    with torch.inference_mode():
        prepared = [predictor.network.prepare(tensor) for tensor in tensors]

    def run() -> None:
        with torch.inference_mode():
            for inputs, data in prepared:
                predictor.model.inference(inputs, [data.metainfo])
        finish(predictor)

    return run


def mmseg_round(predictor: Predictor, tensors: list[torch.Tensor]) -> Callable[[], None]:
    """mmseg's own way from an image in memory to a mask."""

    def run() -> None:
        with torch.inference_mode():
            for tensor in tensors:
                size = tuple(tensor.shape[1:])
                data = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size))
                predictor.model.test_step(dict(inputs=[tensor], data_samples=[data]))
        finish(predictor)

    return run


def our_round(predictor: Predictor, images: list[NamedImage], out: Path, overlays: bool) -> Callable[[], None]:
    writer = FolderWriter(out, predictor, overlays)
    return lambda: predict_folder(images, writer) and None


def finish(predictor: Predictor) -> None:
    if predictor.device.type == 'cuda':
        torch.cuda.synchronize()


def measure(function: Callable[[], None]) -> tuple[float, float, float]:
    """Seconds of the clock, of CPU time in this thread, and of CPU time in all threads."""
    clocks = time.perf_counter, time.thread_time, time.process_time
    before = [clock() for clock in clocks]
    function()
    return tuple(clock() - start for clock, start in zip(clocks, before, strict=True))


def compare(ours: Callable[[], None], peer: Callable[[], None], pairs: int) -> tuple[float, float, list[float]]:
    """Median seconds of both, and median ratios peer / ours of the three times, over alternating rounds."""
    ours(), peer()
    times = [(measure(ours), measure(peer)) for _ in range(pairs)]
    one, other = (statistics.median(pair[side][0] for pair in times) for side in (0, 1))
    return one, other, [statistics.median(theirs[k] / mine[k] for mine, theirs in times) for k in range(3)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', type=Path, help='folder of a finished run')
    parser.add_argument('folder', help='images; all of them are held in memory for the peers')
    parser.add_argument('--threads', type=int, default=1, help='of torch; default: 1')
    parser.add_argument('--pairs', type=int, default=9, help='alternating rounds per row')
    parser.add_argument('--repeat', type=int, default=1, help='times that every image occurs in a round')
    parser.add_argument('--device')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    predictor = mmseg_ext.load(checkpoint=args.run, device=args.device)
    found = find_images([args.folder], 'none')
    images = [image._replace(name=f'{image.name}_{k}') for k in range(args.repeat) for image in found]
    tensors = [predictor.reader(image.path).inputs for image in found] * args.repeat
    peers = {'forward': forward_round(predictor, tensors), 'mmseg': mmseg_round(predictor, tensors)}
    print(f'torch {torch.__version__}, {predictor.device}, {args.threads} threads, {len(images)} images a round\n')
    print('| ours | peer | ours images/s | peer images/s | clock | network thread | all threads |')
    print('|---|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as out:
        for what, overlays in (('masks, tables', False), ('masks, tables, overlays', True)):
            ours = our_round(predictor, images, Path(out), overlays)
            for name, peer in peers.items():
                mine, theirs, ratios = compare(ours, peer, args.pairs)
                rates = f'{len(images) / mine:.1f} | {len(images) / theirs:.1f}'
                print(
                    f'| {what} | {name} | {rates} | {" | ".join(f"{ratio:.2f}" for ratio in ratios)} |', flush=True
                )


if __name__ == '__main__':
    main()

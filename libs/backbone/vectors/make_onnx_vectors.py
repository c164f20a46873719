"""Makes the ONNX files of the import tests with PyTorch's own exporter.

    pip install torch torchvision onnx safetensors
    python make_onnx_vectors.py reduced FOLDER     the committed vectors (gzip -9 -n): a thirty-second of the width, 32x32
    python make_onnx_vectors.py full FOLDER        full width, 224x224 pixels (2 x 94 MB, not committed)

`folded.onnx` is v1.5 as the exporter writes it by default: batch norms folded, classifier kept. `normed.onnx` is v1 with
its batch norms, its first kernel read as BGR. `onnx-expected.safetensors` holds grey images and their features in float64.
"""

import sys

import onnx
import torch
from safetensors.torch import save_file

from make_vectors import MEAN, STD, ResNet50, randomise


class Classifier(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.fc(self.network(x))


def export(network, pixels, path, **options):
    model = Classifier(network) if options.pop("classifier") else network
    torch.onnx.export(model, (pixels,), path, dynamo=False, input_names=["x"], opset_version=17, **options)
    onnx.checker.check_model(path)


def main(size, folder):
    torch.manual_seed(20251123)
    torch.set_num_threads(2)
    width, side = (2, 32) if size == "reduced" else (64, 224)
    images = torch.nn.functional.interpolate(torch.rand(6, 1, 9, 9), (side, side), mode="bicubic")[:, 0].clamp(0, 1)
    normalise = [torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD)]
    rgb = (images[:, None].repeat(1, 3, 1, 1) - normalise[0]) / normalise[1]
    expected = {"images": images[:2].clone()}
    for variant in ("v1.5", "v1"):
        network = ResNet50(width, variant)
        pixels = rgb if variant == "v1.5" else rgb.flip(1)
        randomise(network, pixels)
        with torch.no_grad():
            expected[f"features.{variant}"] = network.eval().double()(pixels[:2].double()).float()
        network.float()
        if variant == "v1.5":
            export(network, pixels[:1], f"{folder}/folded.onnx", classifier=True)
        else:
            keep = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
            export(network, pixels[:1], f"{folder}/normed.onnx", classifier=False, **keep)
    save_file(expected, f"{folder}/onnx-expected.safetensors", {"torch": torch.__version__, "onnx": onnx.__version__})


main(*sys.argv[1:])

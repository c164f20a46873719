"""Makes reduced.safetensors and reduced-expected.safetensors with PyTorch, an implementation that is not ours.

    pip install torch torchvision safetensors
    python make_vectors.py reduced FOLDER        the committed vectors: a sixteenth of the width, 64x64 pixels
    python make_vectors.py full FOLDER           the same at full width, 224x224 pixels (102 MB, not committed)

Weights, batch-norm statistics included, are random; nothing here is trained and no image is real.
"""

import sys
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import Bottleneck

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNet50(nn.Module):
    """torchvision's ResNet50 built of torchvision's own blocks, with the width free (torchvision fixes it at 64)."""

    def __init__(self, width, variant):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        for stage, blocks in enumerate((3, 4, 6, 3)):
            planes, stride, layer = width << stage, 1 if stage == 0 else 2, []
            for block in range(blocks):
                step = stride if block == 0 else 1
                downsample = None
                if block == 0:
                    downsample = nn.Sequential(
                        nn.Conv2d(channels, planes * 4, 1, stride=step, bias=False), nn.BatchNorm2d(planes * 4)
                    )
                bottleneck = Bottleneck(channels, planes, step, downsample)
                if variant == "v1":
                    bottleneck.conv1.stride, bottleneck.conv2.stride = bottleneck.conv2.stride, bottleneck.conv1.stride
                layer.append(bottleneck)
                channels = planes * 4
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(channels, 5)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


def randomise(model, pixels):
    """Random statistics near the ones that hold: far from them, the signal dies and the features forget the image."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.weight, 0.3, 0.9)
            nn.init.normal_(module.bias, 0, 0.3)
    with torch.no_grad():
        model.train()(pixels)
        model.eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean += 0.3 * torch.randn_like(module.running_mean) * module.running_var.sqrt()
                module.running_var *= torch.empty_like(module.running_var).uniform_(0.5, 2)


def main(size, folder):
    torch.manual_seed(20251122)
    torch.set_num_threads(2)
    width, side = (4, 64) if size == "reduced" else (64, 224)
    models = {variant: ResNet50(width, variant).eval() for variant in ("v1.5", "v1")}
    # Blurred and stretched noise: white noise alone looks the same in every image after the pooling.
    images = nn.functional.interpolate(torch.rand(6, 1, 9, 9), (side, side), mode="bicubic")[:, 0].clamp(0, 1)
    normalise = [torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD)]
    pixels = (images[:, None].repeat(1, 3, 1, 1) - normalise[0]) / normalise[1]
    randomise(models["v1.5"], pixels)
    state = models["v1.5"].state_dict()
    models["v1"].load_state_dict(state)
    images, pixels = images[:2].clone(), pixels[:2]
    expected = {"images": images}
    with torch.no_grad():
        for variant, model in models.items():
            # float64, so that the expectation has no rounding of its own worth naming.
            expected[f"features.{variant}"] = model.double()(pixels.double()).float()
            model.float()
    save_file(state, f"{folder}/{size}.safetensors", {"format": "pt"})
    save_file(expected, f"{folder}/{size}-expected.safetensors", {"torch": torch.__version__})


if __name__ == "__main__":
    main(*sys.argv[1:])

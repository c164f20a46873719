"""Opens a release with programs that are not ours: the official ONNX checker and Python's onnxruntime.

    python -m venv venv && venv/bin/pip install numpy onnx onnxruntime
    venv/bin/python libs/backbone/release-check.py MODEL.onnx [IMAGES.f32 EXPECTED.json]

IMAGES.f32: float32, little-endian, shape (n, side, side), grey in [0, 1] after the preprocessing; random greys without it.
EXPECTED.json: the probabilities that the product gives for them, as [[p, ...], ...]. Exit status 1 if they differ by more
than 1e-5, or if an output is not what its name says.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

path = sys.argv[1]
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
print("checker: passed, opset", model.opset_import[0].version, "IR", model.ir_version, "nodes", len(inferred.graph.node))
for entry in model.metadata_props:
    print("metadata", entry.key, "=", entry.value)

session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
side = session.get_inputs()[0].shape[-1]
if len(sys.argv) > 2:
    images = np.fromfile(sys.argv[2], "<f4").reshape(-1, 1, side, side)
else:
    images = np.random.default_rng(0).random((2, 1, side, side), np.float32)
probabilities, features, maps = session.run(["probabilities", "features", "maps"], {"xray": images})
print("shapes", images.shape, "->", probabilities.shape, features.shape, maps.shape)
sums = np.abs(probabilities.sum(1) - 1).max()
means = np.abs(maps.mean((2, 3)) - features).max() / np.abs(features).max()
print("probabilities add up to 1 within", sums, "; maps average to features within", means, "(relative)")
good = sums < 1e-5 and means < 1e-5
if len(sys.argv) > 3:
    with open(sys.argv[3], encoding="utf-8") as file:
        difference = np.abs(probabilities - np.array(json.load(file))).max()
    print("largest difference from the product:", difference)
    good = good and difference < 1e-5
sys.exit(0 if good else 1)

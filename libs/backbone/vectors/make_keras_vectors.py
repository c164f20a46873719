"""Makes the Keras files of the import tests with Keras itself, an implementation that is not ours.

    pip install keras jax tf_keras tensorflow-cpu safetensors
    python make_keras_vectors.py reduced FOLDER     the committed vectors (gzip -9 -n): a thirty-second of the width, 32x32
    python make_keras_vectors.py full FOLDER        keras.applications.ResNet50, 224x224 pixels (3 x 94 MB, not committed)

Three layouts with the same random weights: tf.keras 2 (`save_weights`, that of the published file), Keras 3
(`save_weights`) and a whole Keras model. `keras-expected.safetensors` holds grey images and their features, computed by
Keras with its own `preprocess_input`. No image is real.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tf_keras
from safetensors.numpy import save_file


def resnet50(framework, width, side):
    """At full width the application itself; below, its stem around its own blocks, since it fixes the width at 64."""
    if width == 64:
        return framework.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    layers = framework.layers
    if framework is keras:
        from keras.src.applications.resnet import stack_residual_blocks_v1 as stack
    else:
        from tf_keras.src.applications import resnet

        # Its blocks find the layers in a global that its own ResNet50() would set.
        resnet.layers, stack = layers, resnet.stack1
    pixels = layers.Input((side, side, 3))
    x = layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad")(pixels)
    x = layers.Conv2D(width, 7, strides=2, use_bias=True, name="conv1_conv")(x)
    x = layers.BatchNormalization(axis=3, epsilon=1.001e-5, name="conv1_bn")(x)
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        x = stack(x, width << stage, blocks, stride1=1 if stage == 0 else 2, name=f"conv{stage + 2}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return framework.Model(pixels, x)


def randomise(model, pixels, random):
    """Random statistics near the ones that hold: far from them, the signal dies and the features forget the image."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, random.normal(0, 0.3, bias.shape)])
    for layer in norms:
        gamma, beta, mean, variance = layer.get_weights()
        layer.set_weights([random.uniform(0.3, 0.9, gamma.shape), random.normal(0, 0.3, beta.shape), mean, variance])
        layer.momentum = 0.0
    model(pixels, training=True)
    for layer in norms:
        gamma, beta, mean, variance = layer.get_weights()
        mean = mean + 0.3 * random.normal(0, 1, mean.shape) * np.sqrt(variance)
        layer.set_weights([gamma, beta, mean, variance * random.uniform(0.5, 2, variance.shape)])


def smooth(random, n, side):
    """Stretched noise: white noise looks the same in every image after the pooling."""
    coarse, at = random.uniform(0, 1, (n, 9, 9)), np.linspace(0, 8, side)
    rows = np.stack([[np.interp(at, np.arange(9), row) for row in image] for image in coarse])
    return np.stack([[np.interp(at, np.arange(9), column) for column in image.T] for image in rows]).astype(np.float32)


def main(size, folder):
    random = np.random.default_rng(20251122)
    keras.utils.set_random_seed(20251122)
    width, side = (2, 32) if size == "reduced" else (64, 224)
    images = smooth(random, 6, side)
    pixels = keras.applications.resnet.preprocess_input(np.repeat(images[..., None], 3, axis=3) * 255)
    model = resnet50(keras, width, side)
    randomise(model, pixels, random)
    older = resnet50(tf_keras, width, side)
    for layer in model.layers:
        if layer.get_weights():
            older.get_layer(layer.name).set_weights(layer.get_weights())
    features = np.asarray(model(pixels[:2], training=False))
    again = older(pixels[:2], training=False).numpy()
    print("jax against tensorflow, relative:", np.linalg.norm(features - again) / np.linalg.norm(features))
    older.save_weights(f"{folder}/keras2.h5")
    model.save_weights(f"{folder}/keras3.weights.h5")
    model.save(f"{folder}/keras3-model.h5")
    versions = {"keras": keras.__version__, "tf_keras": tf_keras.__version__}
    save_file({"images": images[:2], "features": features}, f"{folder}/keras-expected.safetensors", versions)


main(*sys.argv[1:])

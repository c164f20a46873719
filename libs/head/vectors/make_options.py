"""Makes options.json and figures.json beside this file, from the inputs of training.json and evaluation.json.

Nothing here is derived from the TypeScript: gradients by automatic differentiation in float64, Adam and learning rates
from optax, class weights and figures from scikit-learn. Needs jax, optax and scikit-learn; prints nothing.
"""

import datetime
import json
import math
import pathlib
import platform

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import recall_score, roc_auc_score, roc_curve
from sklearn.utils.class_weight import compute_class_weight

jax.config.update("jax_enable_x64", True)
HERE = pathlib.Path(__file__).parent
U32 = 0xFFFFFFFF


class SeededRandom:
    """xoshiro128**, state by splitmix32 from FNV-1a: a second writing of libs/tensors/src/seeded-random.ts."""

    def __init__(self, seed):
        h = 0x811C9DC5
        for byte in seed.encode():
            h = ((h ^ byte) * 0x01000193) & U32
        self.s = []
        for _ in range(4):
            h = (h + 0x9E3779B9) & U32
            z = h
            z = ((z ^ (z >> 16)) * 0x21F0AAAD) & U32
            z = ((z ^ (z >> 15)) * 0x735A2D97) & U32
            self.s.append(z ^ (z >> 15))

    def next(self):
        s = self.s
        rotl = lambda x, k: ((x << k) | (x >> (32 - k))) & U32
        out = (rotl((s[1] * 5) & U32, 7) * 9) & U32
        t = (s[1] << 9) & U32
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)
        return out

    def integer(self, bound):
        limit = 2**32 - 2**32 % bound
        while True:
            draw = self.next()
            if draw < limit:
                return draw % bound

    def order(self, n):
        out = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.integer(i + 1)
            out[i], out[j] = out[j], out[i]
        return out


def shapes(spec):
    widths = [spec["inputs"], spec["classes"]] if spec["kind"] == "linear" else [spec["inputs"], spec["hidden"], spec["classes"]]
    return list(zip(widths, widths[1:]))


def scores(spec, w, x):
    at = 0
    layers = shapes(spec)
    for l, (i, o) in enumerate(layers):
        x = x @ w[at : at + i * o].reshape(i, o) + w[at + i * o : at + (i + 1) * o]
        at += (i + 1) * o
        if l < len(layers) - 1:
            x = jax.nn.relu(x)
    return x


def kernels_squared(spec, w):
    at, total = 0, 0.0
    for i, o in shapes(spec):
        total += jnp.sum(w[at : at + i * o] ** 2)
        at += (i + 1) * o
    return total


def cross_entropies(spec, w, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(scores(spec, w, x), y)


def rate_of(case):
    """Learning rate of an epoch of the run, from optax's own schedules."""
    s, lr = case["schedule"], case["learningRate"]
    if s["kind"] == "cosine":
        return optax.cosine_decay_schedule(lr, case["span"]["epochsOfRun"], alpha=s["minFactor"])
    if s["kind"] == "step":
        return optax.exponential_decay(lr, s["everyEpochs"], s["factor"], staircase=True)
    return optax.constant_schedule(lr)


def train(case, x, y, start):
    spec, n_train = case["spec"], case["trainRows"]
    xt, yt, xv, yv = x[:n_train], y[:n_train], x[n_train:], y[n_train:]
    weights = np.ones(spec["classes"])
    if case["classWeights"] == "balanced":
        present = np.unique(yt)
        weights[present] = compute_class_weight("balanced", classes=present, y=yt)
    weights = jnp.asarray(weights)

    def objective(w, xb, yb):
        data = jnp.mean(weights[yb] * cross_entropies(spec, w, xb, yb))
        pull = case["proximalMu"] / 2 * jnp.sum((w - start) ** 2)
        return data + case["l2"] / 2 * kernels_squared(spec, w) + pull

    rate = rate_of(case)
    adam = optax.inject_hyperparams(optax.adam)(learning_rate=1.0, b1=0.9, b2=0.999, eps=1e-7)
    w, state = start, adam.init(start)
    losses, held, best = [], [], None
    for epoch in range(1, case["epochs"] + 1):
        order = SeededRandom(f"{case['seed']}/shuffle/{epoch}").order(n_train)
        total = 0.0
        for at in range(0, n_train, case["batchSize"]):
            rows = np.array(order[at : at + case["batchSize"]])
            total += float(jnp.sum(weights[yt[rows]] * cross_entropies(spec, w, xt[rows], yt[rows])))
            state.hyperparams["learning_rate"] = jnp.asarray(rate(case["span"]["epochsBefore"] + epoch - 1))
            step, state = adam.update(jax.grad(objective)(w, xt[rows], yt[rows]), state, w)
            w = optax.apply_updates(w, step)
        losses.append(total / n_train)
        if case["patienceEpochs"] == 0:
            continue
        loss = float(jnp.sum(weights[yv] * cross_entropies(spec, w, xv, yv)) / jnp.sum(weights[yv]))
        held.append(loss)
        if best is None or loss < best[0]:
            best = (loss, epoch, w)
        if epoch - best[1] >= case["patienceEpochs"]:
            break
    epoch, w = (best[1], best[2]) if best else (case["epochs"], w)
    return {"trained": [float(v) for v in w], "epoch": epoch, "lossPerEpoch": losses, "validationLossPerEpoch": held}


def options():
    source = json.loads((HERE / "training.json").read_text())
    linear, _, mlp = source["cases"]
    x = jnp.asarray(source["embeddings"], dtype=jnp.float64).reshape(12, 5)
    y = np.array(source["labels"])
    plain = {"classWeights": "none", "schedule": {"kind": "constant"}, "proximalMu": 0, "patienceEpochs": 0, "trainRows": 12}
    whole = lambda epochs: {"epochs": epochs, "span": {"epochsBefore": 0, "epochsOfRun": epochs}}
    cases = [
        {"name": "balanced weights", **plain, "of": 0, **whole(3), "batchSize": 5, "learningRate": 0.05, "l2": 0.1, "classWeights": "balanced"},
        {"name": "cosine over a run of 4 epochs", **plain, "of": 0, **whole(4), "batchSize": 5, "learningRate": 0.05, "l2": 0, "schedule": {"kind": "cosine", "minFactor": 0.1}},
        {"name": "the second round of a stepped run", **plain, "of": 0, "epochs": 3, "span": {"epochsBefore": 3, "epochsOfRun": 9}, "batchSize": 5, "learningRate": 0.05, "l2": 0.1, "schedule": {"kind": "step", "everyEpochs": 2, "factor": 0.3}},
        {"name": "proximal term, mlp", **plain, "of": 2, **whole(3), "batchSize": 5, "learningRate": 0.05, "l2": 0.1, "proximalMu": 0.7},
        {"name": "everything at once, mlp", **plain, "of": 2, "epochs": 6, "span": {"epochsBefore": 6, "epochsOfRun": 18}, "batchSize": 3, "learningRate": 0.3, "l2": 0.02, "proximalMu": 0.3, "classWeights": "balanced", "schedule": {"kind": "cosine", "minFactor": 0.2}, "trainRows": 8, "patienceEpochs": 2},
        {"name": "early stop, the best epoch is not the last", **plain, "of": 0, **whole(12), "batchSize": 4, "learningRate": 0.3, "l2": 0, "trainRows": 8, "patienceEpochs": 3},
    ]
    for case in cases:
        base = (linear, None, mlp)[case.pop("of")]
        case.update(spec=base["spec"], seed="options", parameters=base["parameters"])
        case.update(train(case, x, y, jnp.asarray(base["parameters"], dtype=jnp.float64)))
    return cases


def figures():
    cases = []
    for one in json.loads((HERE / "evaluation.json").read_text())["cases"]:
        k = one["classes"]
        p, y = np.array(one["probabilities"]).reshape(-1, k), np.array(one["labels"])
        top, confidence = p.argmax(1), p.max(1)
        per_class = []
        for c in range(k):
            positive = y == c
            both = positive.any() and not positive.all()
            recall = lambda label: float(recall_score(positive, top == c, pos_label=label, zero_division=np.nan))
            fpr, tpr, _ = roc_curve(positive, p[:, c], drop_intermediate=False) if both else ([], [], [])
            per_class.append({
                "examples": int(positive.sum()),
                "auc": float(roc_auc_score(positive, p[:, c])) if both else None,
                "sensitivity": recall(True) if positive.any() else None,
                "specificity": recall(False) if not positive.all() else None,
                "roc": [[float(a), float(b)] for a, b in zip(fpr, tpr)] if both else None,
            })
        share, mean = calibration_curve(top == y, confidence, n_bins=15, strategy="uniform")
        inner = np.linspace(0, 1, 16)[1:-1]
        counts = np.bincount(np.searchsorted(inner, confidence), minlength=15)
        filled = counts[counts > 0]
        cases.append({
            "name": one["name"],
            "perClass": per_class,
            "bins": [{"examples": int(n), "confidence": float(m), "accuracy": float(s)} for n, m, s in zip(filled, mean, share)],
            "expectedCalibrationError": float(np.sum(filled / filled.sum() * np.abs(share - mean))),
        })
    return cases


def write(name, says, cases):
    versions = f"Python {platform.python_version()}, JAX {jax.__version__} in float64, optax {optax.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}"
    provenance = f"make_options.py with {versions}, made on {datetime.date.today()}. {says}"
    text = json.dumps({"provenance": provenance, "cases": cases}, allow_nan=False)
    (HERE / name).write_text(text + "\n")


assert math.isclose(float(rate_of({"schedule": {"kind": "step", "everyEpochs": 2, "factor": 0.3}, "learningRate": 1})(3)), 0.3)
write("options.json", "Inputs of training.json; the first trainRows rows train, the others validate.", options())
write("figures.json", "Inputs of evaluation.json; roc: [false positive rate, true positive rate] from (0, 0).", figures())

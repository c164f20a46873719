"""Server optimisers in float64, written from the papers and not from our code; prints server-optimizers.json.

    pip install numpy==2.4.6            # and flwr==1.42.0 for the comparison with Flower
    python server_optimizers.py > server-optimizers.json

- fedavgm: Hsu et al. 2019 (arXiv:1909.06335), v <- beta v + delta, x <- x + eta v, in the sign of the mean update.
- fedadagrad, fedyogi, fedadam: Reddi et al., ICLR 2021 (arXiv:2003.00295), Algorithm 2, with v_{-1} = tau^2.

A head is float32 after every round, as it is in the product; moments stay float64. Columns 0 and 1 of the updates are of
very different size, column 2 is zero in every round, column 3 changes its sign.
"""
import json
import sys

import numpy as np

D, ROUNDS = 12, 6
rng = np.random.default_rng(20210503)
START = rng.normal(size=D).astype(np.float32)
DELTAS = rng.normal(scale=0.02, size=(ROUNDS, D))
DELTAS[:, 0] *= 1e4
DELTAS[:, 1] *= 1e-9
DELTAS[:, 2] = 0.0
DELTAS[:, 3] = np.abs(DELTAS[:, 3]) * np.where(np.arange(ROUNDS) % 2 == 0, 1.0, -1.0)

CASES = [
    {"optimizer": "fedavg", "learningRate": 1.0},
    {"optimizer": "fedavg", "learningRate": 0.3},
    {"optimizer": "fedavgm", "learningRate": 1.0, "momentum": 0.9},
    {"optimizer": "fedavgm", "learningRate": 0.25, "momentum": 0.0},
    {"optimizer": "fedadagrad", "learningRate": 0.1, "beta1": 0.0, "tau": 1e-3},
    {"optimizer": "fedadagrad", "learningRate": 0.03, "beta1": 0.9, "tau": 1e-2},
    {"optimizer": "fedadam", "learningRate": 0.1, "beta1": 0.9, "beta2": 0.99, "tau": 1e-3},
    {"optimizer": "fedadam", "learningRate": 0.7, "beta1": 0.3, "beta2": 0.5, "tau": 1e-9},
    {"optimizer": "fedyogi", "learningRate": 0.1, "beta1": 0.9, "beta2": 0.99, "tau": 1e-3},
    {"optimizer": "fedyogi", "learningRate": 0.7, "beta1": 0.3, "beta2": 0.5, "tau": 1e-9},
]


def run(case):
    kind, eta = case["optimizer"], case["learningRate"]
    x, m, v = START, np.zeros(D), np.full(D, case.get("tau", 0.0) * case.get("tau", 0.0))
    rounds = []
    for delta in DELTAS:
        if kind == "fedavg":
            step, moments = delta, []
        elif kind == "fedavgm":
            m = case["momentum"] * m + delta
            step, moments = m, [m]
        else:
            m = case["beta1"] * m + (1.0 - case["beta1"]) * delta
            square = delta * delta
            if kind == "fedadagrad":
                v = v + square
            elif kind == "fedyogi":
                v = v - (1.0 - case["beta2"]) * square * np.sign(v - square)
            else:
                v = case["beta2"] * v + (1.0 - case["beta2"]) * square
            step, moments = m / (np.sqrt(v) + case["tau"]), [m, v]
        x = (x.astype(np.float64) + eta * step).astype(np.float32)
        rounds.append({"head": [float(value) for value in x], "moments": [list(moment) for moment in moments]})
    return {"server": case, "rounds": rounds}


def flower(case):
    """The steps of Flower's own strategy for the same mean updates, in float64."""
    from flwr.app import Array, ArrayRecord
    from flwr.serverapp.strategy import FedAdagrad, FedAdam, FedAvg, FedAvgM, FedYogi

    kind, eta = case["optimizer"], case["learningRate"]
    if kind == "fedavgm":
        strategy = FedAvgM(server_learning_rate=eta, server_momentum=case["momentum"])
    elif kind == "fedadagrad":
        strategy = FedAdagrad(eta=eta, tau=case["tau"])
        strategy.beta_1 = case["beta1"]
    elif kind == "fedyogi":
        strategy = FedYogi(eta=eta, beta_1=case["beta1"], beta_2=case["beta2"], tau=case["tau"])
    else:
        strategy = FedAdam(eta=eta, beta_1=case["beta1"], beta_2=case["beta2"], tau=case["tau"])
    steps = []
    for number, delta in enumerate(DELTAS, start=1):
        # From a head of zeros, so that the new head is the step itself and no digit of the mean is lost.
        zero = np.zeros(D)
        # FedAvg's part, the weighted mean, is not under comparison: it is replaced by the mean model itself.
        FedAvg.aggregate_train = lambda self, server_round, replies, mean=delta: (ArrayRecord({"x": Array(mean)}), None)
        strategy.current_arrays = ArrayRecord({"x": Array(zero)}) if kind == "fedavgm" else {"x": zero}
        arrays, _ = strategy.aggregate_train(number, [])
        steps.append([float(value) for value in next(iter(arrays.values())).numpy()])
    return {"server": case, "steps": steps}


result = {
    "provenance": f"server_optimizers.py: Python {sys.version.split()[0]}, NumPy {np.__version__}, seed default_rng(20210503), "
    "made on 2026-11-22. flower: steps of flwr 1.42.0 for the same mean updates; its rules are ours "
    "but for the start of v (0 instead of tau^2) and, in FedAdam, a bias correction of the step "
    "(eta * sqrt(1 - beta2^(t+1)) / (1 - beta1^(t+1)), t from 1) that Algorithm 2 does not have.",
    "start": [float(value) for value in START],
    "means": [list(delta) for delta in DELTAS],
    "cases": [run(case) for case in CASES],
    "flower": [flower(case) for case in CASES if case["optimizer"] != "fedavg"],
}
json.dump(result, sys.stdout, indent=1)
print()

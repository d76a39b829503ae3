"""A baseline for the tests: takes five milliseconds and says that all points lie in the box's middle."""

import time

import numpy as np

from bench.baselines.wire import serve


def predict(image, boxes):
    time.sleep(0.005)
    return np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 68, axis=1)


if __name__ == "__main__":
    serve("fake", "1.0", predict, lambda image: np.empty((0, 68, 2)))

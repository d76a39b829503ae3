"""A network's name -> the class that builds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

from fkp.errors import UsageError

_NETWORKS: dict[str, type[nn.Module]] = {}
Network = TypeVar("Network", bound=type[nn.Module])


def register(name: str) -> Callable[[Network], Network]:
    """Class decorator that makes a network known to recipes under `name`.

    A network is built as `cls(num_points, input_size, in_channels, **options)`; it takes normalized
    pictures (N, C, H, W) and returns a `Prediction`.
    """

    def add(cls: Network) -> Network:
        if name in _NETWORKS:
            raise ValueError(f"two networks are called {name!r}")
        _NETWORKS[name] = cls
        return cls

    return add


def create(
    name: str, num_points: int, input_size: tuple[int, int], in_channels: int, **options: object
) -> nn.Module:
    """The network of that name, with fresh weights.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    if name not in _NETWORKS:
        raise UsageError(f"unknown network {name!r}; known: {', '.join(network_names())}")
    return _NETWORKS[name](num_points, input_size, in_channels, **options)


def initialize(network: nn.Module, points: Tensor) -> str:
    """Called once, before a network's first training step, so that it can load or compute what it starts
    from; a network that needs nothing has no method `initialize`.

    Args:
        points: (N, K, 2) the training faces, in the unit frame.

    Returns:
        what the weights start from, for `ModelSpec.pretrained`.
    """
    own = getattr(network, "initialize", None)
    return own(points) if own else "from scratch"


def network_names() -> list[str]:
    return sorted(_NETWORKS)

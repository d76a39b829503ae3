"""Others' models beside ours, each in a process of its own, so that no version of theirs binds ours."""

from bench.peers.process import PEERS, PeerError, open_peers

__all__ = ["PEERS", "PeerError", "open_peers"]

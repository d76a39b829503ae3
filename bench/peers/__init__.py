"""Others' models beside ours, each in a process of its own, so that no version of theirs binds ours."""

from bench.peers.process import FINDER_PEERS, PEERS, PeerError, open_finder, open_peers

__all__ = ["FINDER_PEERS", "PEERS", "PeerError", "open_finder", "open_peers"]

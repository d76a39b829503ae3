"""The commands of `python -m bench`: each module adds its own, and prints and keeps what they measure."""

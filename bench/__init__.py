"""`python -m bench`: how good, how fast and how robust each exported model is, on this machine."""

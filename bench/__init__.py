"""`python -m bench`: the accuracy, speed and robustness of each exported model, on this machine."""

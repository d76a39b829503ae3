"""Recipes, augmentation, losses and the training loop. Needs requirements-dev.txt."""

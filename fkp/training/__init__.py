"""Recipes, augmentation, losses, the training loop and the export. Needs requirements-dev.txt."""

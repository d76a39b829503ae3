"""The five course reports: their networks and recipes. Importing this package registers them all."""

from fkp.course_reports import plain_cnn, recipes, resnet, unet
from fkp.training.recipes import register

__all__ = ["plain_cnn", "recipes", "resnet", "unet"]

register(recipes.RECIPES)

"""Reading pictures of cameras, scanners and web pages as RGB uint8."""

from fkp.images.loading import FORMATS, MAX_PIXELS, Picture, load_image, load_picture

__all__ = ["FORMATS", "MAX_PIXELS", "Picture", "load_image", "load_picture"]

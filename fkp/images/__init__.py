"""Pictures in: whatever a camera, a scanner or a web page made, as RGB uint8."""

from fkp.images.loading import FORMATS, MAX_PIXELS, Picture, load_image, load_picture

__all__ = ["FORMATS", "MAX_PIXELS", "Picture", "load_image", "load_picture"]

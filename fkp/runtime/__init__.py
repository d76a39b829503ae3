"""Running exported models: sessions, detectors, reading pictures and videos, drawings and result files."""

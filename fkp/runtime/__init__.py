"""What runs the exported models: sessions, detectors, pictures and videos in, drawings and files out."""

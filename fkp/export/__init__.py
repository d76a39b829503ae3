"""From trained weights to .onnx files: export, weight compression, quantization, graph passes."""

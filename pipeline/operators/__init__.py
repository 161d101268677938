"""What ONNX and torch call things: every operator's story, and the readers and writers."""

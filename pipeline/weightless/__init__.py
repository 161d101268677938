"""Reading an ONNX file without its weights: bytes, wire format, tensor headers, skeleton."""

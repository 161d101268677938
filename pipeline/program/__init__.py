"""A network as its program: a short list of lines, each relative to what came before."""

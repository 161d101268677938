"""A network as its program: a short list of instructions, each relative to what came before."""

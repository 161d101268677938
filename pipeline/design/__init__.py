"""The inference form of a network, in which what exporters spell differently is one thing."""

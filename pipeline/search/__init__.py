"""Better networks, found: spaces to search, methods that ask and are told, runs of them."""

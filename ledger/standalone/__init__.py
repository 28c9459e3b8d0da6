"""The verifier as one file that runs where nothing is installed: what it is packed from, and the packing."""

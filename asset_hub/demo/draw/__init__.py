"""Draws and plays the demo collection by our own code: no third-party media."""

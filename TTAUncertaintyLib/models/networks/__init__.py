"""Architectures in plain torch, restated from their publications; field arithmetic."""

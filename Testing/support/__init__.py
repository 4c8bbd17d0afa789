"""Lattices, images and stand-in models with known answers, for all tests."""

"""What the conformance suite shows to every model: images, motions, stand-in networks."""

"""Training of the bundled network on synthetic images; nothing in the running product needs it."""

"""Does the map tell the truth: known errors, figures of merit, and the page that shows them."""

# Slicer would write the description of the extension and its package here.

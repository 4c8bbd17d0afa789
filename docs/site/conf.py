"""Settings of Sphinx. `build.py` lays out the pages and calls it; nothing is fetched."""

from sphinx.ext.napoleon.docstring import GoogleDocstring

import TTAUncertaintyLib

project = "TTAUncertainty"
author = "The TTAUncertainty contributors"
copyright = author
version = release = TTAUncertaintyLib.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "TTAUncertainty"
html_logo = html_favicon = "TTAUncertainty.png"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True

#: What is said of a field is a sentence: what stands before a colon in it is no type.
GoogleDocstring._consume_inline_attribute = lambda self: ("", self._dedent(self._consume_to_end()))

"""A stand-in for Slicer's ``slicer.i18n``. There is no other language here: text stays as it is."""

__all__ = ["tr", "translate"]


def translate(context: str, text: str) -> str:
    return text


def tr(text: str) -> str:
    return text

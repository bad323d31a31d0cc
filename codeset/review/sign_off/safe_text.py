"""Texts that are signed are what they look like: no control characters, and none that reorders or hides text."""

import unicodedata

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of controls, formats (bidirectional and zero-width ones too), private use, separators of lines.

Unicode Technical Report 36, section 2.4, has how they make a text read as another one.
"""


def text_fault(text: str) -> str | None:
    """Return why *text* cannot be signed, naming its first hidden character; None if it has none."""
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in _HIDDEN:
            character_name = unicodedata.name(character, "a control character").lower()
            code_point = f"U+{ord(character):04X} ({character_name})"
            return f"character {position} is {code_point}, which a reader does not see; leave it out"
    return None


def visible(text: str) -> str:
    """Return *text* with its hidden characters spelled out, for a screen."""
    return "".join(
        f"<U+{ord(character):04X}>" if unicodedata.category(character) in _HIDDEN else character for character in text
    )

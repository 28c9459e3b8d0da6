"""Texts for people: English message ids, marked where they are written and translated where they are shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NewType

Language = NewType("Language", str)
ZH = Language("zh")
EN = Language("en")
LANGUAGES: tuple[Language, ...] = (ZH, EN)

Translate = Callable[[str], str]


def N_(message: str) -> str:
    """Mark an English message id for extraction; it is translated later, at the edge."""
    return message


@dataclass(frozen=True, slots=True)
class Text:
    """A message id with its parameters, kept apart until somebody's language is known."""

    message: str
    params: dict[str, object] = field(default_factory=dict)

    def render(self, translate: Translate) -> str:
        """Translate the message, then fill in the parameters; a Text among them is translated too."""
        filled = {k: v.render(translate) if isinstance(v, Text) else v for k, v in self.params.items()}
        return translate(self.message).format(**filled) if filled else translate(self.message)

    def __str__(self) -> str:
        return self.render(lambda message: message)

"""HTML's own elements: they are light, and screen readers know them."""

# pyright: reportMissingImports=false
from collections.abc import Callable
from typing import Any

from nicegui.elements.mixins.text_element import TextElement


class Tag(TextElement):
    """An element of HTML; `text` is shown as it is, never read as HTML."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(tag=name, text=text)

    def having(self, **attributes: Any) -> "Tag":
        """Set attributes whose values may hold anything; `aria_label` is aria-label."""
        for name, value in attributes.items():
            self._props[name.replace("_", "-")] = value
        self.update()
        return self


def choice(label: str, options: dict[str, str], value: str, chosen: Callable[[str], Any]) -> Tag:
    """A list to choose one of; `options`: what stands there by value."""
    with Tag("select").having(aria_label=label) as element:
        for key, text in options.items():
            option = Tag("option", text).having(value=key)
            if key == value:
                option.having(selected=True)
    # Only the value is sent: the event itself holds the whole page.
    element.on("change", lambda event: chosen(event.args), js_handler="(e) => emit(e.target.value)")
    return element


def button(text: str, pressed: Callable[[], Any], *, kind: str = "", label: str = "") -> Tag:
    """A button; `kind`: a class of the style sheet; `label`: what screen readers say instead."""
    element = Tag("button", text).having(type="button")
    element.classes(kind)
    if label:
        element.having(aria_label=label)
    element.on("click", lambda _: pressed(), [])
    return element

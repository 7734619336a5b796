"""Colours of the style sheet against WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for shapes."""

import re
from importlib import resources

import pytest

SHEET = resources.files("services.console").joinpath("static/console.css").read_text(encoding="utf-8")
TONES = ("ok", "warn", "down", "unknown", "works", "local")


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    """WCAG 2.2, definition of relative luminance."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "panel", "hover"])
@pytest.mark.parametrize("text", ["text", "muted", "link", *TONES])
def test_text_can_be_read_on_every_ground(scheme: str, ground: str, text: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tone", TONES)
def test_the_sign_inside_a_shape_can_be_seen(scheme: str, tone: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours["on-tone"], colours[tone]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_can_be_read(scheme: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours["accent-text"], colours["accent"]) >= 4.5

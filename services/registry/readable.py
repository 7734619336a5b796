"""What devices say of themselves, made fit for a row."""


def readable(text: str | None, length: int = 200) -> str | None:
    """Printable and bounded, or None: devices put anything here."""
    printable = "".join(char for char in text or "" if char.isprintable()).strip()
    return printable[:length] or None

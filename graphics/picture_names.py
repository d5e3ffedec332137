"""Names in folders and archives: which are no files of the user's, and whose mask a picture is."""

from collections.abc import Callable, Iterable

MASKS = "masks"
"""A folder of this name, in any case, holds masks: `cars/masks/a.jpg` is that of `cars/a.jpg`."""
SYSTEM_FILES = {
    ".ds_store", ".localized", ".apdisk",  # macOS
    "thumbs.db", "ehthumbs.db", "desktop.ini",  # Windows
    ".directory",  # KDE
}  # fmt: skip
SYSTEM_FOLDERS = {
    "__macosx", ".spotlight-v100", ".trashes", ".fseventsd",  # macOS
    "$recycle.bin", "system volume information",  # Windows
    ".thumbnails", ".trash-1000", "@eadir",  # Linux, Synology
}  # fmt: skip
APPLE_DOUBLE = "._"
"""How macOS begins the names of files with what a file system cannot hold of another."""


def is_systems_own(name: str) -> bool:
    """Whether an operating system or a file manager put the file there; `name`: with `/`."""
    *folders, file = name.lower().split("/")
    is_file_of_one = file in SYSTEM_FILES or file.startswith(APPLE_DOUBLE)
    return is_file_of_one or not SYSTEM_FOLDERS.isdisjoint(folders)


def is_mask(name: str) -> bool:
    """Whether a folder of the name is called masks; `name`: with `/`."""
    return MASKS in name.lower().split("/")[:-1]


def folder_of(name: str) -> str:
    """The folder of a name with `/`: `cars/7` of `cars/7/a.jpg`, empty where it is in none."""
    return name.rpartition("/")[0]


def nearest_masks(
    names: Iterable[str], key: Callable[[str], str] = lambda name: name
) -> dict[str, list[str]]:
    """By the `key` of a photograph's name the masks nearest to it, several if equally near.

    Of `cars/masks/a.jpg` and `masks/cars/a.jpg` the first is nearer to `cars/a.jpg`. Names that are
    no masks are passed over.
    """
    found: dict[str, tuple[int, list[str]]] = {}
    for name in names:
        if not is_mask(name):
            continue
        parts = name.split("/")
        depth = max(at for at, part in enumerate(parts[:-1]) if part.lower() == MASKS)
        photograph = key("/".join(parts[:depth] + parts[depth + 1 :]))
        best, nearest = found.get(photograph, (-1, []))
        if depth > best:
            found[photograph] = (depth, [name])
        elif depth == best:
            nearest.append(name)
    return {photograph: nearest for photograph, (_, nearest) in found.items()}

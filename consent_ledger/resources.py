"""Where files that the package ships are found."""

from pathlib import Path


def template_root() -> Path:
    """Return the folder of licence templates: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    installed = package / "license_templates"
    return installed if installed.is_dir() else package.parent / "license_templates"


def shipped_purposes() -> bytes:
    """Return the file of named purposes that the package ships."""
    return (Path(__file__).parent / "purposes.toml").read_bytes()


def font_file(weight: str) -> bytes:
    """Return the bytes of the font that documents are set in: `Regular` or `Bold`."""
    return (Path(__file__).parent / "fonts" / f"OpenSans-{weight}.subset.woff2").read_bytes()


def case_files() -> tuple[Path, Path]:
    """Return the files of clearance cases that come with the package: those of the design, and this project's own."""
    folder = Path(__file__).parent / "cases"
    return folder / "clearance-cases.json", folder / "own-cases.json"

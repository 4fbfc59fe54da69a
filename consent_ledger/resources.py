"""Where files that the package ships are found."""

from pathlib import Path


def template_root() -> Path:
    """Return the folder of licence templates: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    installed = package / "license_templates"
    return installed if installed.is_dir() else package.parent / "license_templates"

"""Start-up guard: the six packages must be ours.

Other distributions install packages called `vault`, `audit` or `connectors` too, and pip lets
one overwrite the other without a word. A program that guards personal data must not run half of
somebody else's code.
"""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "consent-vault"
PACKAGES = ("audit", "connectors", "consent", "policies", "service", "vault")


class ForeignPackageError(Exception):
    """A package of one of our names does not come from us, or not from us alone."""

    def __init__(self, package: str, found: str) -> None:
        super().__init__(f"{package}: {found}")
        self.package = package
        self.found = found


def check_package_names() -> None:
    """Raise ForeignPackageError unless all six packages lie side by side and are ours alone."""
    home = Path(__file__).resolve().parent.parent
    owners = packages_distributions()
    for package in PACKAGES:
        _check_place(package, home)
        others = set(owners.get(package, ())) - {DISTRIBUTION}
        if others:
            raise ForeignPackageError(package, f"also installed by {', '.join(sorted(others))}")


def _check_place(package: str, home: Path) -> None:
    spec = find_spec(package)
    origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
    if origin != home / package / "__init__.py":
        raise ForeignPackageError(package, f"taken from {origin or 'nowhere'}")

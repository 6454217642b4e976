"""The doctor's look at the program itself: Python, our packages, and the catalogue."""

import sys
from importlib.metadata import version

from policies.catalogue import load_catalogue
from policies.data_files import CatalogueError
from service.doctor.finding import Finding
from service.package_names import ForeignPackageError, check_package_names

OLDEST_PYTHON = (3, 11)


def check_python() -> Finding:
    found = f"Python {sys.version.split()[0]}, consent-vault {version('consent-vault')}"
    ok = sys.version_info >= OLDEST_PYTHON
    return Finding("python", found, "" if ok else "install Python 3.11 or newer")


def check_packages() -> Finding:
    """Our six package names are ours alone."""
    try:
        check_package_names()
    except ForeignPackageError as error:
        repair = "install consent-vault into an environment of its own (uv tool or pipx)"
        return Finding("packages", f"{error.package}: {error.found}", repair)
    return Finding("packages", "all six packages are ours")


def check_catalogue() -> Finding:
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        return Finding("catalogue", str(error), "correct the file that it names")
    return Finding("catalogue", f"{len(catalogue.purposes)} purposes, {catalogue.digest}")

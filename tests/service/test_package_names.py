"""The start-up guard against packages of our names that are not ours."""

import os
import subprocess
import sys
from pathlib import Path

CHECK = "from service.package_names import check_package_names; check_package_names()"
ROOT = Path(__file__).resolve().parents[2]


def _check(*paths: Path) -> str:
    """Run the guard with these folders on the path before the project; what it complains of."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))}
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def test_our_six_packages_side_by_side_are_accepted() -> None:
    assert _check() == ""


def test_a_package_that_comes_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "__init__.py").write_text("")
    assert f"vault: taken from {tmp_path / 'vault'}" in _check(tmp_path)


def test_another_distribution_of_the_same_package_is_found(tmp_path: Path) -> None:
    metadata = tmp_path / "intruder-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n")
    (metadata / "top_level.txt").write_text("connectors\n")
    assert "connectors: also installed by intruder" in _check(tmp_path)

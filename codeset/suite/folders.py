"""Where a suite lies: its scenarios, with goldens beside them; by default the one that comes with the package."""

from importlib.resources import files
from pathlib import Path


def scenarios_folder(chosen: Path | None = None) -> Path:
    """Return the folder of scenarios: *chosen*, or the golden dermatology suite's."""
    return chosen or Path(str(files("compliance_tests"))) / "scenarios"


def goldens_folder(scenarios: Path) -> Path:
    """Return where the accepted outcomes of *scenarios* lie: in `golden`, beside that folder."""
    return scenarios.resolve().parent / "golden"


def guidance_folder() -> Path:
    """Return the folder of what the practice guides say."""
    return Path(str(files("compliance_tests"))) / "guidance"

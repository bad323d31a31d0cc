"""Where a suite lies: its scenarios, with goldens beside them; by default the one that comes with the package."""

from pathlib import Path

from codeset.shipped_files import shipped_folder


def scenarios_folder(chosen: Path | None = None) -> Path:
    """Return the folder of scenarios: *chosen*, or the golden dermatology suite's."""
    return chosen or shipped_folder("compliance_tests") / "scenarios"


def goldens_folder(scenarios: Path) -> Path:
    """Return where the accepted outcomes of *scenarios* lie: in `golden`, beside that folder."""
    return scenarios.resolve().parent / "golden"


def guidance_folder() -> Path:
    """Return the folder of what the practice guides say."""
    return shipped_folder("compliance_tests") / "guidance"

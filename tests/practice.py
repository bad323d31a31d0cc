"""A practice's own small suite: two scenarios of the golden one's form, worked from CMS's rows."""

from pathlib import Path

SCENARIOS = """\
- id: destruction-fifteen-keratoses
  says: Fifteen or more keratoses are one unit of 17004
  source: {document: NCCI PTP practitioner, row: 17004/17000, ccmi: 0}
  claim: {lines: [{hcpcs: 17004}]}
  expect: {lines: [{disposition: pay, global_days: 010}]}

- id: destruction-17004-with-17000
  says: 17000 is denied beside 17004, whatever the modifier
  source: {document: NCCI PTP practitioner, row: 17004/17000, ccmi: 0}
  twin: destruction-fifteen-keratoses
  claim: {lines: [{hcpcs: 17004}, {hcpcs: 17000, modifiers: [59]}]}
  expect: {lines: [{disposition: pay, global_days: 010}, {disposition: deny, edit: ptp, ccmi: 0}]}
"""
SETTINGS = "setting: nonfacility\nlocality: national\nqualifying_apm: no\n"
DOCUMENTS = "NCCI PTP practitioner: {table: ptp}\n"


def practice(folder: Path, scenarios: str = SCENARIOS) -> Path:
    """Write the suite into *folder* and return the folder of its scenarios."""
    place = folder / "scenarios"
    place.mkdir(parents=True)
    (place / "destruction.yaml").write_text(scenarios)
    (place / "settings.yaml").write_text(SETTINGS)
    (place / "documents.yaml").write_text(DOCUMENTS)
    return place

"""The whole loop by the commands: a posted quarter, its branch, a re-issue, the approval, the gate."""

import json
import subprocess


def test_a_new_quarter_is_laid_before_the_lead_on_a_branch(desk):
    desk.site.post("2026q4")
    done = desk.propose()
    assert done.exit_code == 0, done.output
    assert desk.files("release/2026q4") == ["CHANGELOG.md", "sources.lock.json", "suite/golden/2026q4.json"]
    assert desk.git("status", "--porcelain") == ""

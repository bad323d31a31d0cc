"""CMS's change report, in the forms that it may have: captions decide, and what is not understood is a fault."""

from pathlib import Path

import pytest
from cms_files.render import zip_of

from codeset.errors import BadInput
from codeset_ingest import change_report

HEAD = "a notice\r\nAdditions\r\nColumn 1\tColumn 2\tModifier Indicator\tEffective Date\r\n"


def report(tmp_path: Path, text: str = HEAD, **members: str) -> Path:
    names = {"Additions": text, "Deletions": HEAD, "CCMIChgs": HEAD} | members
    data = {
        f"MCR_NCCI_{name}_Eff_10-01-2026.txt": member_text.encode("cp1252")
        for name, member_text in names.items()
        if member_text
    }
    file = tmp_path / "changes.zip"
    file.write_bytes(zip_of(data))
    return file


def test_rows_are_read_below_the_captions(tmp_path):
    report_rows = change_report.read(report(tmp_path, HEAD + "11402\t12031\t1\t20261001\r\n\t\t\t\r\n"))
    assert report_rows == {"added": {("11402", "12031"): "1"}, "removed": {}, "changed": {}}


def test_captions_may_be_in_another_order(tmp_path):
    text = "Effective Date\tCCMI\tColumn 2 code\tColumn 1 code\n20261001\t0\t12031\t11402\n"
    assert change_report.read(report(tmp_path, text))["added"] == {("11402", "12031"): "0"}


def test_two_captions_of_a_modifier_leave_it_out_of_the_comparison(tmp_path):
    text = "Column 1\tColumn 2\tPrior Modifier\tNew Modifier\n11402\t12031\t1\t0\n"
    report_rows = change_report.read(report(tmp_path, CCMIChgs=text))
    assert report_rows["changed"] == {("11402", "12031"): None}
    ours = {"added": {}, "removed": {}, "changed": {("11402", "12031"): "0"}}
    assert change_report.compare(report_rows, ours) == []


def test_a_report_without_its_captions_is_a_fault_that_shows_what_it_begins_with(tmp_path):
    with pytest.raises(BadInput, match=r"no line with the captions Column 1 and Column 2; it begins: what is this"):
        change_report.read(report(tmp_path, "what is this\n"))


def test_a_report_that_lacks_a_member_is_a_fault(tmp_path):
    with pytest.raises(BadInput, match="expected one text of edits removed"):
        change_report.read(report(tmp_path, Deletions=""))


def test_a_row_that_is_no_pair_of_codes_is_a_fault_with_its_line(tmp_path):
    with pytest.raises(BadInput, match='line 5: expected two codes, found "1140" and "12031"'):
        change_report.read(report(tmp_path, HEAD + "11402\t12031\t1\t20261001\r\n1140\t12031\t1\t20261001\r\n"))


QUOTED = (
    '"A notice\r\nover two lines. "\r\n'
    'Column 1\tColumn 2\t"Modifier\r\n0=not allowed\r\n1=allowed\r\n9=not applicable"\r\n'
)


def test_the_caption_of_the_modifier_may_go_on_over_several_lines(tmp_path):
    text = QUOTED + "11402\t12031\t1\r\n17311\t88305\t0\r\n"
    assert change_report.read(report(tmp_path, text))["added"] == {("11402", "12031"): "1", ("17311", "88305"): "0"}


def test_the_line_of_a_fault_counts_the_lines_of_quoted_cells(tmp_path):
    with pytest.raises(BadInput, match='line 8: expected two codes, found "1140" and "12031"'):
        change_report.read(report(tmp_path, QUOTED + "11402\t12031\t1\r\n1140\t12031\t1\r\n"))


@pytest.mark.parametrize("indicator", ["2", "", "10"])
def test_what_is_no_modifier_indicator_is_a_fault(tmp_path, indicator):
    with pytest.raises(BadInput, match="expected a modifier indicator"):
        change_report.read(report(tmp_path, HEAD + f"11402\t12031\t{indicator}\t20261001\r\n"))


@pytest.mark.parametrize("zip_end", [5, -50])
def test_a_report_that_is_no_whole_zip_is_a_fault(tmp_path, zip_end):
    file = report(tmp_path)
    file.write_bytes(file.read_bytes()[:zip_end])
    with pytest.raises(BadInput, match=r"changes\.zip"):
        change_report.read(file)


def test_a_damaged_member_is_a_fault(tmp_path):
    file = report(tmp_path, HEAD + "11402\t12031\t1\t20261001\r\n" * 40)
    data = bytearray(file.read_bytes())
    data[60:80] = bytes(20)
    file.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="not a zip that can be read"):
        change_report.read(file)


def test_a_byte_that_cms_does_not_write_is_a_fault_with_its_line(tmp_path):
    file = tmp_path / "changes.zip"
    names = [f"MCR_NCCI_{name}_Eff_10-01-2026.txt" for name in ("Additions", "Deletions", "CCMIChgs")]
    file.write_bytes(zip_of(dict.fromkeys(names, HEAD.encode() + b"11402\t1203\x81\t1\t20261001\r\n")))
    with pytest.raises(BadInput, match="line 4: byte 0x81"):
        change_report.read(file)


def test_an_end_of_file_mark_may_be_the_last_record(tmp_path):
    """As in most text files of CMS's up to 2025."""
    text = HEAD + "11402\t12031\t1\t20261001\r\n\x1a"
    assert change_report.read(report(tmp_path, text))["added"] == {("11402", "12031"): "1"}


def test_an_edit_that_is_there_twice_with_different_indicators_is_a_fault(tmp_path):
    text = HEAD + "11402\t12031\t1\t20261001\r\n11402\t12031\t0\t20261001\r\n"
    with pytest.raises(BadInput, match="line 5: 11402/12031 is there with the modifier indicators 1 and 0"):
        change_report.read(report(tmp_path, text))


def test_no_notice_gets_into_a_message(tmp_path):
    notice = "CPT codes, descriptions and other data only are copyright of the American Medical Association"
    with pytest.raises(BadInput) as error:
        change_report.read(report(tmp_path, f'"{notice}"\r\nwhat is this\r\n'))
    assert notice not in str(error.value)


@pytest.mark.cms
def test_a_report_in_cms_layout_is_read(cms: Path):
    """README beside the files: hospital, April 2026: 3,709 additions, 2,999 deletions, 6 changes of the CCMI."""
    name = "medicare-ncci-2026q2-hospital-quarterly-additions-deletions-revisions-ptp.zip"
    report_rows = change_report.read(cms / "changes" / name)
    assert {kind: len(edits) for kind, edits in report_rows.items()} == {"added": 3_709, "removed": 2_999, "changed": 6}
    assert report_rows["changed"]["97605", "97608"] == "1"
    assert report_rows["added"]["0008U", "0441U"] == "1"

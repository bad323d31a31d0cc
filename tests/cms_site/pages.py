"""The pages of the site: listings with a menu around them, one page for each fee schedule release, the license page."""

from collections.abc import Iterable
from html import escape

from cms_site.packages import File
from codeset.releases import Release

FEE_SCHEDULE = "/medicare/payment/fee-schedules/physician/pfs-relative-value-files"
_NCCI = "/medicare/coding-billing/national-correct-coding-initiative-ncci-edits"
PTP = f"{_NCCI}/medicare-ncci-procedure-procedure-ptp-edits"
MUE = f"{_NCCI}/medicare-ncci-medically-unlikely-edits"
ADD_ON = f"{_NCCI}/medicare-ncci-add-code-edits"
MANUAL = f"{_NCCI}/medicare-ncci-policy-manual"
LEVEL_II = "/medicare/coding-billing/healthcare-common-procedure-system/quarterly-update"
FEE_SCHEDULES = "/medicare/payment/fee-schedules"
ICD10 = "/medicare/coding-billing/icd-10-codes"
LICENCE = "/license/ama"

PLACES = {
    "ptp": PTP,
    "ptp_outpatient": PTP,
    "ptp_changes": PTP,
    "mue": MUE,
    "mue_outpatient": MUE,
    "mue_dme": MUE,
    "aoc": ADD_ON,
    "policy_manual": MANUAL,
    "hcpcs": LEVEL_II,
    "zip_locality": FEE_SCHEDULES,
    **dict.fromkeys(("icd10cm", "icd10cm_tabular", "icd10cm_conversion"), ICD10),
}
"""The page on which each kind of file is listed; the fee schedule has a page for each release."""

_LISTED_QUARTERS = {PTP: 2, MUE: 2}
"""How many quarters a page keeps; the others keep all."""

ROBOTS = "User-agent: *\nDisallow: /search\nDisallow: /*?*\nAllow: /sitemap.xml?page=*\n"


def slug(release: Release) -> str:
    """Return the last part of the address of a release's page; that of October 2025 has CMS's own oddity."""
    name = f"rvu{release.year % 100}{'abcd'[release.quarter - 1]}"
    return f"{name}-0" if name == "rvu25d" else name


def pages(files: Iterable[File]) -> dict[str, str]:
    """Return every page by its path, for the *files* that are posted."""
    site_files = list(files)
    packages = sorted((file for file in site_files if file.kind == "mpfs"), key=lambda file: file.release, reverse=True)
    page_by_path = {FEE_SCHEDULE: _page("PFS Relative Value Files", _release_links(packages))}
    for release in {file.release for file in packages}:
        own = "".join(_link(file) for file in packages if file.release == release)
        page_by_path[f"{FEE_SCHEDULE}/{slug(release)}"] = _page(f"RVU files of {release}", own)
    for place in dict.fromkeys(PLACES.values()):
        page_by_path[place] = _page(
            place.rsplit("/", 1)[1], "".join(_link(file) for file in _files_of_page(site_files, place))
        )
    return page_by_path


def _release_links(packages: Iterable[File]) -> str:
    return "".join(
        f'<tr><td><a href="{FEE_SCHEDULE}/{slug(file.release)}">RVU{slug(file.release)[3:6].upper()}</a></td>'
        f"<td>{file.release.year}</td></tr>\n"
        for file in packages
    )


def _files_of_page(site_files: Iterable[File], place: str) -> list[File]:
    own = [file for file in site_files if PLACES.get(file.kind) == place]
    quarters = sorted({file.release for file in own}, reverse=True)[: _LISTED_QUARTERS.get(place)]
    return [file for file in own if file.release in quarters]


def _link(file: File) -> str:
    """A link as CMS writes it: gated ones lead to the license page, and now and then a slash is doubled."""
    path = file.path.replace("/files/zip/", "/files/zip//") if file.path.endswith("f2.zip") else file.path
    href = f"{LICENCE}?file={path}" if file.gated else path
    return f'<li><a href="{escape(href)}" data-entity-type="media">{escape(file.label)}</a></li>\n'


def _page(title: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr"><head><title>{escape(title)} | CMS</title></head><body>
<nav><ul><li><a href="/medicare">Medicare</a></li><li><a href="/search/cms">Search</a></li>
<li><a href="https://www.hhs.gov/">HHS</a></li>
<li><a href="/files/document/a-fact-sheet.pdf">Fact sheet</a></li></ul></nav>
<main><h1>{escape(title)}</h1><div class="field field--name-body"><ul>
{body}</ul></div></main></body></html>
"""


def license_page(path: str) -> str:
    """Return the page that stands before a gated file: CMS's form, with a sentence of our own for its text."""
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr"><head><title>License Agreement | CMS</title></head><body>
<form action="/search/cms" method="get"><input type="search" name="keys" value=""></form>
<p>The terms on which the codes may be used stand here on the site of CMS.</p>
<div id="acceptancebox" class="clearfix">
<form action="" style="display: inline;"><input type="hidden" name="ReferURL" value="https://www.google.com/">
<input type="submit" class="btn btn-default cancel ds-c-button" name="Cancel" value="Don't Accept"></form>
<form action="{escape(path)}" style="display: inline;"><input type="hidden" name="agree" value="yes">
<input type="submit" data-license="ama" class="btn btn-primary accept" name="next" value="Accept"></form>
</div></body></html>
"""

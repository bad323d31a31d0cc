"""The site we connect to: CMS's own hosts over https, or one loopback site named in a setting; nothing else."""

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from codeset.errors import CodesetError, WrongUse
from codeset_ingest.cms_site.link_names import site_facts

SETTING = "CODESET_CMS_SITE"
"""Names a site on loopback to be read in place of cms.gov, for tests and demonstrations."""


class SiteProblem(CodesetError):
    """CMS's site could not be reached, or did not respond as it should."""

    exit_code = 5


@dataclass(frozen=True)
class Site:
    """The site to read: its origin, such as https://www.cms.gov."""

    origin: str

    @property
    def loopback(self) -> bool:
        """Whether the site runs on this machine."""
        return _is_loopback(urlsplit(self.origin).hostname)

    def at(self, site_path: str) -> str:
        """Return the address of *site_path* on the site."""
        # Pages link by path: the same site.json serves cms.gov and a stand-in on loopback.
        return urljoin(self.origin, site_path)

    def refuse(self, address: str, address_origin: str) -> None:
        """Check that *address* may be requested.

        Raises SiteProblem: if it leaves CMS's hosts or is not https; *address_origin* says where it came from.
        """
        address_parts = urlsplit(address)
        if self.loopback:
            if f"{address_parts.scheme}://{address_parts.netloc}" != self.origin:
                raise SiteProblem(f"{address_origin}: leads away from {self.origin}, to {address}; it was not followed")
            return
        if address_parts.hostname not in site_facts()["hosts"]:
            raise SiteProblem(f"{address_origin}: leads away from cms.gov, to {address}; it was not followed")
        # A redirect to http would let anybody on the way replace a fee schedule.
        if address_parts.scheme != "https" or address_parts.port not in (None, 443):
            raise SiteProblem(f"{address_origin}: is not https: {address}; it was not followed")


def site(setting: str | None = None) -> Site:
    """Return CMS's site, or the loopback site that *setting* (else $CODESET_CMS_SITE) names.

    Raises WrongUse: for a setting that is not the origin of a site on loopback.
    """
    origin = os.environ.get(SETTING, "") if setting is None else setting
    if not origin:
        return Site(str(site_facts()["site"]))
    origin_parts = urlsplit(origin.rstrip("/"))
    # Only this machine: a setting that could name any host would be a way to feed a store.
    if (
        origin_parts.scheme != "http"
        or origin_parts.path
        or origin_parts.query
        or not _is_loopback(origin_parts.hostname)
    ):
        message = "expected a site of this machine such as http://127.0.0.1:8765; CMS's own needs no setting"
        raise WrongUse(f"{SETTING} is {origin}: {message}")
    return Site(origin.rstrip("/"))


def _is_loopback(host_name: str | None) -> bool:
    try:
        return host_name is not None and ipaddress.ip_address(host_name).is_loopback
    except ValueError:
        return False

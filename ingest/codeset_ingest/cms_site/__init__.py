"""cms.gov: listing pages, downloads, the license, the lock."""

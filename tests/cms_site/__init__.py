"""A site on loopback that posts code sets as cms.gov does: pages, licence page, packages, odd names, and faults.

Its packages are the embedded facts in CMS's layouts (`ingest/render.py`). Quarters that are not embedded are made:
those of 2026 repeat the facts of 2026q3, and from 2026q4 on a few rows are changed, so that there is something to find.
By hand: `make cms-site`.
"""

"""The decoded releases of `history/`: their columns, as our tables name them."""

RVUS = {
    "work_rvu": "work_rvu",
    "non_fac_pe_rvu": "nonfacility_pe_rvu",
    "facility_pe_rvu": "facility_pe_rvu",
    "mp_rvu": "mp_rvu",
    "non_facility_total": "nonfacility_total_rvu",
    "facility_total": "facility_total_rvu",
}

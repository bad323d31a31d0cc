"""The columns of decoded fee schedules (`history/` and `payments/` of CMS's files) that say the same as ours."""

INDICATORS = {
    "pctc_ind": "pctc_indicator",
    "glob_days": "global_days",
    "pre_op": "preoperative_percentage",
    "intra_op": "intraoperative_percentage",
    "post_op": "postoperative_percentage",
    "mult_proc": "multiple_procedure",
    "bilat_surg": "bilateral_surgery",
    "asst_surg": "assistant_surgery",
    "co_surg": "co_surgery",
    "team_surg": "team_surgery",
    "endo_base": "endoscopic_base",
    "physician_supervision_of_diagnostic_procedures": "physician_supervision",
    "diagnostic_imaging_family_indicator": "imaging_family",
    "non_facility_pe_used_for_opps_payment_amount": "opps_nonfacility_pe_rvu",
    "facility_pe_used_for_opps_payment_amount": "opps_facility_pe_rvu",
    "mp_used_for_opps_payment_amount": "opps_mp_rvu",
}

"""What payers ask for beyond Medicare's edits: profiles as dated, cited data, applied to adjudicated claims."""

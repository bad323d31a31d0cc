"""The golden dermatology suite: statements of coders and guides, tried against the sealed snapshots."""

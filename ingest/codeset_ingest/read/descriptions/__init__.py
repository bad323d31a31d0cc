"""What the short descriptions of the fee schedule state of dermatology's codes, as numbers and flags."""

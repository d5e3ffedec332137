"""The stages of the cycle, one file each; they meet only in the run folder."""

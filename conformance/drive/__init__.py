"""Lists of host events against a driver: made from a seed, run, judged, made small."""

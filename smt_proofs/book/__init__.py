"""What there is to prove, decided in parallel, remembered."""

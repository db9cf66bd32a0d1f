"""`python -m conformance` is the command `slotproof`."""

from conformance.entry import main

if __name__ == "__main__":
    main()

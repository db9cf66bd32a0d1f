"""All states of small devices: graphs, tours, comparison of profiles, coverage of runs."""

"""What every outside system is asked with; knows no site, no feed, no run."""

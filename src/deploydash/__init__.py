"""deploydash: one terminal from which a Rubin control-system upgrade is watched and driven."""

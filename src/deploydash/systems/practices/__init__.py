"""How formally a site's services are deployed: blessing, notice, maintenance window, as data and as facts of gates."""

"""Where each facility stands in the programme: surveys, obstacles, plans, acceptances, and the report on all of them."""

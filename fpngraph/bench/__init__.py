"""How fast a neck is on this machine, in each of its forms: what ``fpngraph bench`` measures."""

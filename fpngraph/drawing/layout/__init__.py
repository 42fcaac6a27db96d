"""Where everything lies: what is drawn, in which columns and rows, and the ways of edges between them."""

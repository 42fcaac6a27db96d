"""Configurations of effdet: its necks as graphs, and what it calls their weights."""

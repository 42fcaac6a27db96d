"""Configurations of transformers: their necks as graphs, and what it calls their weights."""

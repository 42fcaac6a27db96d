"""Configurations of mmdet: their necks as graphs, and what it calls their weights."""

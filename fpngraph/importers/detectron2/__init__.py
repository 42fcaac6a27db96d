"""Configurations of detectron2: their necks as graphs, and what it calls their weights."""

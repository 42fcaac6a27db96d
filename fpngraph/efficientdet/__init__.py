"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

"""The scene: plain shapes with roles of colours, made from a layout."""

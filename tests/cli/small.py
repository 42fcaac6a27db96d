"""What the commands that train are typed with to be done in seconds."""

GRAPH = """\
fpngraph: 1
name: mine
inputs: C(3..5)
defaults: {channels: 16, fusion: sum, op: [{separable_conv: {}}, norm, act]}
nodes:
  M(3..5): {inputs: [C(l), M(l+1) | none]}
outputs: {P(3..5): M(l)}
"""
SMALLEST = ("--backbone", "test_efficientnet", "--no-pretrained", "--image-size", "64", "--batch-size", "6")
QUICK = ("--epochs", "1", "--workers", "0")
DATA = ("--train", "train", "train.json", "--val", "val", "val.json")

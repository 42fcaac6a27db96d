"""Configurations of mmdet become graphs by what they say; none of them is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.importers.mmdet.convert import convert

Write = Callable[..., Path]
BASE = """
channels = 64
steps = [dict(at=1), dict(at=2)]
model = dict(
    type='RetinaNet',
    backbone=dict(type='ResNet', depth=50, out_indices=(0, 1, 2, 3)),
    neck=dict(
        type='FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=channels,
        start_level=1,
        add_extra_convs='on_input',
        num_outs=5))
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def params(path: Path, **more: Any) -> dict[str, Any]:
    """What the converted graph has in place of the shipped one's parameters."""
    graph = convert(path, **more)
    loaded = fpngraph.loads(graph.text)
    assert loaded.outputs
    from fpngraph.language.yaml.source import read

    said: dict[str, Any] = read(graph.text, "graph").plain()["params"]
    return said


def problems(path: Path, **more: Any) -> str:
    with pytest.raises(GraphError) as caught:
        convert(path, **more)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_parameters_are_what_the_settings_imply_and_comments_stay(write: Write) -> None:
    converted = convert(write(BASE))

    assert params(write(BASE)) == {
        "min": 3,
        "max": 7,
        "backbone_max": 5,
        "channels": 64,
        "source": "C5",
        "lateral": "always",
        "first": {"strided_conv": {"kernel": 3}},
        "extra": {"strided_conv": {"kernel": 3}},
        "smooth": [{"conv": {"kernel": 3}}],
        "norm": "batch_norm",
    }
    assert "  channels: 64\n" in converted.text
    assert "# coarsest level that the backbone has" in converted.text
    assert converted.table()["source"] == "mmdet.FPN"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("relu_before_extra_convs=True", {"extra": ["act", {"strided_conv": {"kernel": 3}}]}),
        ("add_extra_convs='on_output'", {"source": "P5"}),
        ("add_extra_convs='on_lateral'", {"source": "M5"}),
        ("add_extra_convs=False", {"min": 3, "max": 7, "backbone_max": 5}),
        ("start_level=0", {"min": 2, "max": 6, "backbone_max": 5}),
        ("start_level=0, end_level=2, num_outs=3", {"min": 2, "max": 4, "backbone_max": 4}),
        ("norm_cfg=dict(type='SyncBN', eps=1e-3)", {"norm": {"batch_norm": {"eps": 0.001}}}),
        (
            "norm_cfg=dict(type='GN', num_groups=16), no_norm_on_lateral=True",
            {"norm": {"group_norm": {"groups": 16}}, "lateral": "always", "smooth": [{"conv": {"kernel": 3}}, "norm"]},
        ),
    ],
)
def test_a_setting_of_the_pyramid_is_a_parameter(line: str, found: dict[str, Any], write: Write) -> None:
    write(BASE, "base.py")

    said = params(write(f"_base_ = './base.py'\nmodel = dict(neck=dict({line}))"))

    assert {key: said[key] for key in found} == found


def test_group_norms_are_called_otherwise(write: Write) -> None:
    write(BASE, "base.py")

    table = convert(write("_base_ = 'base.py'\nmodel = dict(neck=dict(norm_cfg=dict(type='GN', num_groups=32)))"))

    assert {it["theirs"] for it in table.table()["names"]} == {
        *("lateral_convs.{l-min}.conv", "lateral_convs.{l-min}.gn", "fpn_convs.{l-min}.conv", "fpn_convs.{l-min}.gn")
    }


@pytest.mark.parametrize(
    "text",
    [
        "_base_ = ['base.py']\nmodel = {'neck': {'out_channels': 32}}",
        "_base_ = 'base.py'\nwidth = 16\nmodel = dict(neck=dict(out_channels=2 * width))",
        "_base_ = 'base.py'\nneck = dict(out_channels=32)\nmodel = dict(neck=dict(**neck))",
        "_base_ = 'base.py'\nother = _base_.model\nother.neck.out_channels = 32\nmodel = dict(_delete_=True, **other)",
        "_base_ = 'base.py'\nwide = {{_base_.channels}}\nmodel = dict(neck=dict(out_channels=wide // 2))",
        "_base_ = 'base.py'\nmodel = _base_.model\nmodel['neck']['out_channels'] = [8, 32][1]\nmodel.pop('type')",
        "_base_ = 'base.py'\nmodel = _base_.model\nmodel.neck.update(dict(out_channels=32))",
        "_base_ = 'base.py'\nmine = _base_.model\nmine.neck['out_channels'] = 32",
        "_base_ = 'base.py'\na = _base_.model\nb = a.neck\na.b = b\na = b.c\nb = a.d\na.x = 1\n"
        "model = dict(neck=dict(out_channels=32))",
        "_base_ = 'base.py'\n_base_.steps[1].at = 3\n_base_.model.neck.out_channels = 32\n_base_.steps.append(4)",
        "_base_ = 'base.py'\nhelp = '\\d'\nmodel = dict(neck=dict(out_channels=32))",
        "_base_ = 'base.py'\nmine = dict(out_channels=8)\nmodel = dict(neck=mine)\nmine['out_channels'] = 32",
        "_base_ = 'base.py'\nmine = dict(out_channels=8)\nmodel = dict(neck=mine)\nb = mine\nb.update(out_channels=32)",
        "_base_ = 'base.py'\nmine = dict(odd=32)\nmodel = dict(neck=mine)\nmine.out_channels = mine.pop('odd')",
        "_base_ = 'base.py'\na = dict()\nb = a.pop('c', 32)\nmodel = dict(neck=dict(**a, out_channels=b))",
        "_base_ = 'base.py'\na = b = [8, 32]\nb[0] = 16\nmodel = dict(neck=dict(out_channels=a[0] + b[-2]))",
        "_base_ = 'base.py'\nimport os\nfor a in os.sys.path:\n    b = a\nmodel = dict(neck=dict(out_channels=32))",
    ],
    ids=[
        "mapping",
        "arithmetic",
        "stars",
        "copy",
        "variable",
        "entry",
        "update",
        "same",
        "each other",
        "list",
        "escape",
        "changed where it stands",
        "another name",
        "pop",
        "pop of what is not there",
        "two names",
        "code beside it",
    ],
)
def test_python_is_read_as_far_as_it_is_data(text: str, write: Write) -> None:
    write(BASE, "base.py")

    assert params(write(text))["channels"] == 32


def test_values_that_stand_in_very_many_places_are_laid_over_each_other_once(write: Write) -> None:
    many = "x = dict()\n" + "x = dict(a=x, b=x)\n" * 60
    write(BASE + many, "base.py")

    assert params(write(f"_base_ = 'base.py'\n{many}"))["channels"] == 64


def test_nothing_of_a_file_is_run(write: Write, tmp_path: Path) -> None:
    write(BASE, "base.py")
    made = tmp_path / "made"
    text = f"_base_ = 'base.py'\nopen({str(made)!r}, 'w')\nmodel = dict(neck=dict(out_channels=print('run') or 32))"

    assert problems(write(text)) == (
        "mine.py:3:37: \"print('run') or 32\" is no plain value [not-converted]\n"
        "  3 | model = dict(neck=dict(out_channels=print('run') or 32))\n"
        "    |                                     ^^^^^^^^^^^^^^^^^^\n"
        "  hint: give a file that 'Config.fromfile(...).dump(...)' of mmengine has written: this one is read, not run"
    )
    assert not made.exists()


def test_dumps_of_mmengine_in_yaml_and_json_are_read(write: Write) -> None:
    neck = '{"type": "PAFPN", "in_channels": [8, 16], "out_channels": 32, "num_outs": 3}'
    json = f'{{"model": {{"backbone": {{"type": "ResNet", "out_indices": [2, 3]}}, "neck": {neck}}}}}'
    yaml = json.replace("[2, 3]", "!!python/tuple [2, 3]")

    for path in (write(json, "a.json"), write(yaml, "a.yaml")):
        assert {key: params(path)[key] for key in ("min", "max", "channels")} == {"min": 4, "max": 6, "channels": 32}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.py", "No such file or directory"),
        ("", "it is not a regular file"),
        ("large.py", "it has more than 2000000 bytes"),
        ("none.json", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, message: str, write: Write, tmp_path: Path) -> None:
    write("#" * 2_000_001, "large.py")

    with pytest.raises(GraphError) as caught:
        convert(tmp_path / name)

    assert str(caught.value) == f"cannot read {str(tmp_path / name)!r}: {message} [unreadable-file]"


def test_a_neck_alone_takes_the_strides_that_are_given(write: Write) -> None:
    path = write("type = 'PAFPN'\nin_channels = [8, 16]\nout_channels = 32\nnum_outs = 2\n")

    assert params(path, strides=(8, 16))["min"] == 3
    assert problems(path) == (
        "mine.py:1:1: the strides of the backbone are not known [not-converted]\n"
        "  1 | type = 'PAFPN'\n"
        "    | ^\n"
        "  hint: --strides says them: --strides 4,8,16,32"
    )


def test_all_that_no_graph_can_say_is_told_at_once_with_its_place(write: Write) -> None:
    write(BASE, "base.py")
    text = """_base_ = 'base.py'
model = dict(
    neck=dict(
        conv_cfg=dict(type='ConvWS'), act_cfg=dict(type='ReLU'),
        norm_cfg=dict(type='IN'),
        upsample_cfg=dict(mode='bicubic')))
"""

    assert problems(write(text)) == (
        "mine.py:4:18: 'conv_cfg' is a 'ConvWS', but the graph is for none [not-converted]\n"
        "  4 |         conv_cfg=dict(type='ConvWS'), act_cfg=dict(type='ReLU'),\n"
        "    |                  ^^^^^^^^^^^^^^^^^^^\n"
        "mine.py:4:47: 'act_cfg' is a 'ReLU', but the graph is for none [not-converted]\n"
        "  4 |         conv_cfg=dict(type='ConvWS'), act_cfg=dict(type='ReLU'),\n"
        "    |                                               ^^^^^^^^^^^^^^^^^\n"
        "mine.py:5:18: there is no norm for 'IN' [not-converted]\n"
        "  5 |         norm_cfg=dict(type='IN'),\n"
        "    |                  ^^^^^^^^^^^^^^^\n"
        "  hint: there are: BN, SyncBN, MMSyncBN, GN\n"
        "mine.py:6:22: 'upsample_cfg' is {'mode': 'bicubic'}, for which there is no rule [not-converted]\n"
        "  6 |         upsample_cfg=dict(mode='bicubic')))\n"
        "    |                      ^^^^^^^^^^^^^^^^^^^^\n"
        "  hint: 'nearest' and 'bilinear' are"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_base_ = 'base.py'\nmodel = dict(neck=dict(out_chanels=3))", "unknown key 'out_chanels' [unknown-key]"),
        (
            "_base_ = 'base.py'\nmodel = dict(neck=dict(out_channels='wide'))",
            "'out_channels' is 'wide', but must be an integer [wrong-value]",
        ),
        ("_base_ = 'other.py'", "there is no file "),
        ("_base_ = 'mine.py'", "'mine.py' is based on itself [not-converted]"),
        ("_base_ = 'mmdet::_base_/a.py'", "'mmdet::_base_/a.py' is in another package [not-converted]"),
        ("model = dict(type='DETR')", "the file has a model of type 'DETR' without a neck [not-converted]"),
        ("model = dict(", "the file is no Python: "),
        ("_base_ = 'base.py'\nmodel = dict(neck=dict(type='RFP'))", "there is no graph for the neck 'RFP'"),
        (
            "_base_ = 'base.py'\nmodel = dict(backbone=dict(strides=(1, 2, 2, 1)))",
            "the backbone's maps have the strides 4, 8, 16, 16, but each must be twice the one before",
        ),
        (
            "_base_ = 'base.py'\nmodel = dict(backbone=dict(out_indices=(1, 2, 3)))",
            "the backbone gives 3 maps, of the strides 8, 16, 32, but the neck takes 4",
        ),
        ("_base_ = 'base.py'\nmodel = dict(neck=[dict(_delete_=True, type='BFP')])", "the key "),
        ("_base_ = 'base.py'\nmodel = dict(neck=dict(num_outs=2))", "'num_outs' is 2, but of these maps there are 3"),
        ("model = dict(neck=[])", "the list of necks is empty [not-converted]"),
        ("x = 9\n" + "x = x * x\n" * 99 + "model = dict(neck=x)", "'x * x' is no plain value"),
        ("x = [1]\n" + "x = x + x\n" * 99 + "model = dict(neck=x)", "'x + x' is no plain value"),
        ("x = [1]\n" + "x = [x, x]\n" * 99 + "model = dict(neck=dict(a=x))", "the neck has more than 5000 settings"),
        ("x = [3]\nmodel = dict(neck=dict(a=x))\nx += [4]", "'x += [4]' is no plain value"),
        ("x = dict(b=[3])\nmodel = dict(neck=dict(a=x['b']))\nfor y in x:\n    y", "'for y in x:' is no plain value"),
        ("x = dict()\nmodel = dict(neck=x)\ny = int(x.setdefault('a'))", "\"int(x.setdefault('a'))\" is no plain"),
        ("x = dict()\nmodel = dict(neck=x)\nx[1 + 1] = 3", "'x[1 + 1]' is no plain value"),
        ("x = 3\ny = [(x := 4)]\nmodel = dict(neck=dict(a=x))", "'(x := 4)' is no plain value"),
        ("x = dict()\nmodel = dict(neck=x)\nprint(1, x)", "'print(1, x)' is no plain value"),
        ("x = [" * 3000, "the file is no Python: "),
        ("x = 1\nx = [x] * 2000\nmodel = dict(neck=x)", "'[x] * 2000' is no plain value"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str, write: Write) -> None:
    write(BASE, "base.py")

    found = problems(write(text))

    assert re.match(r"(mine|base)\.py:\d+:\d+: ", found)
    assert message in found


def test_a_pyramid_and_a_balanced_one_are_one_graph_with_the_table_of_both(write: Write) -> None:
    neck = "dict(type='BFP', in_channels=64, num_levels=5, refine_type='conv')"
    text = BASE.replace("neck=dict(", "neck=[dict(", 1).replace("num_outs=5))", f"num_outs=5), {neck}])")

    converted = convert(write(text))
    graph = fpngraph.loads(converted.text)

    assert list(graph.inputs) == ["C3", "C4", "C5"]
    assert list(graph.outputs) == ["P3", "P4", "P5", "P6", "P7"]
    neck = fpngraph.build(graph, [8, 8, 8])
    assert {name.split(".")[0] for name in neck.state_dict()} == {"retinanet_fpn", "bfp"}
    theirs = {it["theirs"].partition(".")[0] for it in converted.table()["names"]}
    assert theirs == {"0", "1"}


def test_a_channel_mapper_is_made(write: Write) -> None:
    settings = "type='ChannelMapper', in_channels=[8, 16], out_channels=32, num_outs=4, norm_cfg=dict(type='BN')"
    converted = convert(write(f"neck = dict({settings})\nmodel = dict(neck=neck)"), strides=(8, 16))

    neck = fpngraph.build(fpngraph.loads(converted.text), [8, 16])

    assert neck.out_strides == {"P3": 8, "P4": 16, "P5": 32, "P6": 64}
    assert sorted({name.rpartition(".")[0] for name in neck.state_dict()}) == [
        *("P3.op.conv", "P3.op.norm", "P4.op.conv", "P4.op.norm", "P5.edges.C4.norm", "P5.edges.C4.strided_conv"),
        *("P6.edges.P5.norm", "P6.edges.P5.strided_conv"),
    ]
    assert converted.table()["names"][2]["theirs"] == "extra_convs.{l-5}.conv"
    assert [type(part).__name__ for part in neck.get_submodule("P3.op")] == ["Conv2d", "BatchNorm2d", "ReLU"]


def test_the_command_writes_the_graph_and_its_table_and_takes_strides(run: Any, write: Write, tmp_path: Path) -> None:
    path = write(BASE.replace("'ResNet'", "'Mine'"))

    refused = run("convert", "mmdet", str(path), "-o", str(tmp_path / "a.yaml"))
    done = run("convert", "mmdet", str(path), "--strides", "4,8,16,32", "-o", str(tmp_path / "a.yaml"))

    assert refused.code == 1
    assert "the strides of a backbone 'Mine' are not known" in refused.err
    assert (done.code, sorted(it.name for it in tmp_path.glob("a.*"))) == (0, ["a.weights.yaml", "a.yaml"])
    assert run("check", str(tmp_path / "a.yaml")).code == 0


@pytest.mark.parametrize("text", ["4,8,32", "3,6", "", "a", "0"])
def test_strides_that_are_none_are_refused(text: str, run: Any, write: Write) -> None:
    with pytest.raises(SystemExit):
        run("convert", "mmdet", str(write(BASE)), "--strides", text)

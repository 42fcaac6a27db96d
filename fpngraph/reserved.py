"""Names that modules need for themselves, so that nothing in a graph may be called so."""

from __future__ import annotations

# Of nodes, inputs, outputs and stages, and of operators that stand in lists of layers. The public attributes of torch's
# Module, Sequential and GraphModule and of our Neck, which tests/compiler/test_module_names.py compares. Private ones
# need no list, as no name begins with '_': they differ from torch to torch, and torch.compile adds some while it runs.
RESERVED = frozenset(
    """
    T_destination add_module add_submodule append apply bfloat16 buffers call_super_init children code compile cpu
    cuda delete_all_unused_submodules delete_submodule double dump_patches eval extend extra_repr float forward fuse
    get_buffer get_extra_state get_parameter get_submodule graph half image_sizes in_channels insert ipu
    load_state_dict meta modules mtia named_buffers named_children named_modules named_parameters out_channels
    out_strides parameters pop prepare print_readable recompile register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ reset_parameters set_extra_state
    set_submodule shape_env share_memory source_graph state_dict to to_empty to_folder train training type unfolded
    xpu zero_grad
    """.split()  # noqa: SIM905  (so many names read better without quotes)
)

"""The tensor operations that are arithmetic and nothing else.

A network that consists of these can compute and do no more: none of them reads or writes a file,
calls into Python, or hands out memory that it has not checked. Names are those of torch's
namespace `aten`, without overloads.
"""

from __future__ import annotations

_ELEMENTWISE = """
abs add addcdiv addcmul alpha_dropout atan atan2 bitwise_and bitwise_not bitwise_or bitwise_xor
celu ceil clamp clamp_max clamp_min cos cosh cumsum div dropout elu eq erf exp exp2 expm1
feature_dropout floor floor_divide fmod ge gelu glu gt hardsigmoid hardswish hardtanh isfinite
isinf isnan isclose le leaky_relu lerp log log10 log1p log2 log_sigmoid logical_and logical_not
logical_or logical_xor lt masked_fill maximum minimum mish mul nan_to_num native_dropout ne neg
pow prelu reciprocal relu relu6 remainder round rrelu rsqrt rsub selu sgn sigmoid sign silu sin sinh
softplus softshrink sqrt square sub tan tanh threshold trunc where xlogy fill zero rad2deg deg2rad
"""

_LAYERS = """
_convolution adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d
_adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d addmm avg_pool1d
avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool2d_with_indices
baddbmm batch_norm bmm conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
convolution cross cudnn_batch_norm dot einsum embedding group_norm inner instance_norm layer_norm
linalg_cross linalg_det linalg_inv linalg_inv_ex linalg_norm linalg_solve linalg_vector_norm linear
log_softmax _log_softmax matmul max_pool3d max_pool3d_with_indices mm mv native_batch_norm
_native_batch_norm_legit _native_batch_norm_legit_no_training native_group_norm native_layer_norm
norm outer pixel_shuffle scaled_dot_product_attention softmax _softmax tensordot inverse
det cdist cosine_similarity conv_depthwise3d
"""

_REDUCTIONS = """
all amax amin any argmax argmin count_nonzero cumprod frobenius_norm logsumexp max mean median min
numel prod quantile sort std std_mean sum topk var var_mean
"""

_SHAPES = """
alias argsort as_tensor broadcast_tensors broadcast_to cat chunk clone complex concat concatenate
constant_pad_nd contiguous copy cpu cuda detach diag diag_embed diagonal dim
dstack expand expand_as flatten flip gather hstack index index_add index_fill
index_put index_select lift lift_fresh lift_fresh_copy masked_select meshgrid movedim
moveaxis narrow pad permute reflection_pad1d reflection_pad2d reflection_pad3d repeat
repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape reshape_as roll
rot90 scatter scatter_add select select_scatter size slice slice_scatter split
split_with_sizes squeeze stack stride swapaxes swapdims t take_along_dim to _to_copy transpose
tril triu type_as unbind unflatten unfold unsqueeze view view_as view_copy vstack _reshape_alias
_unsafe_view is_floating_point
"""

_CREATION = """
arange empty_like eye full full_like linspace new_full new_ones new_zeros ones
ones_like rand_like scalar_tensor tensor zeros zeros_like empty
"""

_SAMPLING = "affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d"

_CHECKS = """
_assert_async _assert_scalar _assert_tensor_metadata _local_scalar_dense item sym_constrain_range
sym_constrain_range_for_size sym_numel sym_size sym_stride
"""

#: Names of `aten` operations; an operation that works in place has the same with "_" behind.
ARITHMETIC = frozenset(
    " ".join((_ELEMENTWISE, _LAYERS, _REDUCTIONS, _SHAPES, _CREATION, _SAMPLING, _CHECKS)).split()
)


def is_arithmetic(name: str) -> bool:
    """Tell whether an operation of the namespace `aten` computes and does no more."""
    if name.lstrip("_").startswith("upsample_"):  # a dozen, and more with every version of torch
        return not name.endswith("_backward")
    in_place = name.endswith("_") and not name.startswith("_")
    return name in ARITHMETIC or (in_place and name[:-1] in ARITHMETIC)

"""Pictures in, batches `{"x", "y"}` of float32 NHWC images in [-1, 1] out.

Domain A is x and B is y, unless `--direction=BtoA` swaps them. Order and augmentation are a pure
function of (seed, step), so a run can be continued at any step without replaying the ones before.
`pipelines.data.Data` is the way in.
"""

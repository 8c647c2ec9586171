"""Whether a patch of a translation still tells which patch of the input it comes from."""

import keras
from keras import ops


def patch_nce(queries, keys, temperature=0.07, all_negatives=False):
    """Returns the contrastive loss of patches: a scalar of at least float32.

    With v = `queries[b, s]` of the translation and the `keys` of the input picture, the positive
    v+ = `keys[b, s]` at the same place and the negatives v- at the other places of the picture, it
    is the mean over b and s of the cross-entropy

        -log(exp(v . v+ / tau) / (exp(v . v+ / tau) + sum exp(v . v- / tau)))

    Args:
        queries: (batch, patches, channels) of length one each, of the translations.
        keys: the same of the input pictures. No gradient flows into them.
        temperature: tau.
        all_negatives: take as negatives the patches of all pictures of the batch.

    Reference:
        Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", 2020, section
        3, equations (3) and (4).
    """
    dtype = keras.backend.result_type(queries.dtype, keys.dtype, "float32")
    queries, keys = ops.cast(queries, dtype), ops.stop_gradient(ops.cast(keys, dtype))
    if all_negatives:
        queries, keys = (ops.reshape(x, (1, -1, ops.shape(x)[-1])) for x in (queries, keys))
    logits = ops.matmul(queries, ops.swapaxes(keys, 1, 2)) / temperature  # (batch, query, key)
    positive = ops.sum(queries * keys, axis=-1) / temperature  # (batch, query)
    return ops.mean(ops.logsumexp(logits, axis=-1) - positive)

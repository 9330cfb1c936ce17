"""The loops of a BERT encoder whose large products are products of bytes, compiled by Numba.

One text is one call, without the interpreter and without its lock, so nothing of another text can reach its
vector. The processor adds 64 products of bytes an instruction (AVX512-VNNI), twice as many as of bfloat16;
`byte_tiles` says so to the code generator, or says it in more and slower ones. Everything else is plain loops
that it turns into vector instructions. Weights are signed bytes with a scale for each output. Inputs are
unsigned bytes with a scale and an offset for each token, chosen at the time (dynamic quantisation); the
few components that far exceed the others are kept out of them and multiplied exactly (Dettmers et al., 2022),
and what a component usually is, is taken off first. Attention, norms and sums are float32.

Compiled code is kept beside this file, or in Numba's cache folder where that cannot be written.
"""

from __future__ import annotations

import numba
import numpy as np

from assistant.providers.byte_layout import (
    BLOCK,
    HEADS,
    PANEL,
    ROWS,
    Bytes,
    Floats,
    Linear,
    Model,
    Norm,
    Scratch,
    Words,
)
from assistant.providers.byte_tiles import as_float, byte_tile, float_tile, stays_apart

_EPSILON = np.float32(1e-12)
_ZERO, _HALF, _ONE, _TOP = np.float32(0), np.float32(0.5), np.float32(1), np.float32(255)
_TINY = np.float32(1e-20)

_FAST = {"reassoc", "contract", "nsz", "arcp", "nnan"}  # sums in any order: loops become vector instructions
_compiled = numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")

_LOG2E, _LN2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
_LEAST = np.float32(-64.0)  # below it no share counts, and no product becomes a slow subnormal number
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / f) for f in (2, 6, 24, 120, 720))
_BIAS, _MANTISSA = np.int32(127), np.int32(23)
_ROOT_HALF = np.float32(0.7071067811865476)
_P = np.float32(0.3275911)
_A1, _A2, _A3, _A4, _A5 = (
    np.float32(a) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
)


@_compiled
def _exp(x: np.float32) -> np.float32:
    """e**x for x <= 0, to seven digits: 2**n times a Taylor polynomial of the rest."""
    x = max(x, _LEAST)
    n = np.floor(x * _LOG2E + _HALF)
    r = x - n * _LN2
    y = _ONE + r * (_ONE + r * (_C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * _C6)))))
    return y * as_float((np.int32(n) + _BIAS) << _MANTISSA)


@_compiled
def _gelu(x: np.float32) -> np.float32:
    """x times the normal distribution's share below x; erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26)."""
    z = abs(x) * _ROOT_HALF
    t = _ONE / (_ONE + _P * z)
    rest = t * (_A1 + t * (_A2 + t * (_A3 + t * (_A4 + t * _A5)))) * _exp(-z * z)
    return max(x, _ZERO) - abs(x) * (_HALF * rest)


@_compiled
def _range(row: Floats, count: int) -> tuple[np.float32, np.float32]:
    """The least and the greatest of the first `count` numbers. Four of each at once: one waits for itself."""
    part = count // 4
    one, two, three, four = row[:part], row[part : 2 * part], row[2 * part : 3 * part], row[3 * part : count]
    low0 = low1 = low2 = low3 = high0 = high1 = high2 = high3 = row[0]
    for j in range(part):
        low0, high0 = min(low0, one[j]), max(high0, one[j])
        low1, high1 = min(low1, two[j]), max(high1, two[j])
        low2, high2 = min(low2, three[j]), max(high2, three[j])
        low3, high3 = min(low3, four[j]), max(high3, four[j])
    for j in range(part, len(four)):
        low3, high3 = min(low3, four[j]), max(high3, four[j])
    return min(low0, low1, low2, low3), max(high0, high1, high2, high3)


@_compiled
def _highest(row: Floats, count: int) -> np.float32:
    """The greatest of the first `count` numbers."""
    part = count // 4
    one, two, three, four = row[:part], row[part : 2 * part], row[2 * part : 3 * part], row[3 * part : count]
    high0 = high1 = high2 = high3 = row[0]
    for j in range(part):
        high0, high1 = max(high0, one[j]), max(high1, two[j])
        high2, high3 = max(high2, three[j]), max(high3, four[j])
    for j in range(part, len(four)):
        high3 = max(high3, four[j])
    return max(high0, high1, high2, high3)


@_compiled
def _code(inputs: Floats, count: int, linear: Linear, layer: int, scratch: Scratch) -> None:
    """Write the codes, steps, lows and exact components of the first `count` rows of inputs (tokens, in)."""
    stays_apart()
    row, width = scratch.row, inputs.shape[1]
    usual, apart = linear.usual[layer], linear.apart[layer]
    for i in range(count):
        for j in range(width):
            row[j] = inputs[i, j] - usual[j]
        for k in range(len(apart)):
            scratch.kept[i, k] = row[apart[k]]
            row[apart[k]] = _ZERO
        low, high = _range(row, width)
        step = max((high - low) / _TOP, _TINY)
        scratch.steps[i], scratch.lows[i] = step, low
        unit = _ONE / step
        codes = scratch.codes[i]
        for j in range(width):
            codes[j] = np.uint8(np.int32((row[j] - low) * unit + _HALF))


@_compiled
def _multiply_bytes(
    rows: int,
    codes: Bytes,
    codes_at: int,
    codes_step: int,
    weights: Words,
    weights_at: int,
    steps: int,
    sums: Words,
) -> None:
    byte_tile(rows, codes, codes_at, codes_step, weights, weights_at, PANEL, steps, sums, 0, PANEL)


@_compiled
def _multiply_floats(
    rows: int,
    a: Floats,
    a_at: int,
    a_step: int,
    b: Floats,
    b_at: int,
    b_step: int,
    steps: int,
    c: Floats,
    c_at: int,
    c_step: int,
) -> None:
    float_tile(rows, a, a_at, a_step, b, b_at, b_step, steps, c, c_at, c_step)


@_compiled
def _put(begin: int, end: int, scratch: Scratch, of: Floats, outputs: Floats, first: int) -> None:
    """Turn the sums of the rows from `begin` to `end` into a panel of outputs (tokens, PANEL)."""
    stays_apart()
    # One array for all that belongs to the panel: of many the compiler could not see that none overlaps.
    for i in range(begin, end):
        step, low, kept = scratch.steps[i], scratch.lows[i], scratch.kept[i]
        k0, k1, k2, k3 = kept[0], kept[1], kept[2], kept[3]
        sums = scratch.sums[(i - begin) * PANEL : (i - begin + 1) * PANEL]
        out = outputs[i, first : first + PANEL]
        for j in range(PANEL):
            product = np.float32(sums[j]) * of[0, j] * step + low * of[1, j] + of[2, j]
            out[j] = product + k0 * of[3, j] + k1 * of[4, j] + k2 * of[5, j] + k3 * of[6, j]


@_compiled
def _apply(inputs: Floats, count: int, linear: Linear, layer: int, scratch: Scratch, outputs: Floats) -> None:
    """outputs (tokens, out) = the linear map of the first `count` rows of inputs (tokens, in)."""
    stays_apart()
    _code(inputs, count, linear, layer, scratch)
    steps = inputs.shape[1] // 4
    stride = scratch.codes.shape[1] // 4
    tiles = (count + ROWS - 1) // ROWS
    for panel in range(outputs.shape[1] // PANEL):
        weights_at = (layer * linear.weights.shape[1] + panel) * linear.weights.shape[2]
        for tile in range(tiles):
            begin, end = tile * count // tiles, (tile + 1) * count // tiles
            _multiply_bytes(
                end - begin,
                scratch.codes,
                begin * stride,
                stride,
                linear.weights,
                weights_at,
                steps,
                scratch.sums,
            )
            _put(begin, end, scratch, linear.outputs[layer, panel], outputs, panel * PANEL)


@_compiled
def _normalise(states: Floats, added: Floats, count: int, norm: Norm, layer: int) -> None:
    """states = the norm of states + added, row by row, for `count` rows (tokens, width)."""
    stays_apart()
    weights, biases = norm.weights[layer], norm.biases[layer]
    width = states.shape[1]
    for i in range(count):
        row, more = states[i], added[i]
        total = _ZERO
        for j in range(width):
            row[j] += more[j]
            total += row[j]
        mean = total / np.float32(width)
        squares = _ZERO
        for j in range(width):
            squares += (row[j] - mean) * (row[j] - mean)
        unit = _ONE / np.sqrt(squares / np.float32(width) + _EPSILON)
        for j in range(width):
            row[j] = (row[j] - mean) * unit * weights[j] + biases[j]


@_compiled
def _attend(count: int, scratch: Scratch) -> None:
    """seen = what each token sees of all, head by head; the queries are scaled already."""
    stays_apart()
    heads, keys, values, scores = scratch.heads, scratch.keys, scratch.values, scratch.scores
    width = scratch.seen.shape[1]
    size, stride, across = width // HEADS, scores.shape[1], 3 * width
    tiles = (count + ROWS - 1) // ROWS
    for head in range(HEADS):
        at = head * size
        for i in range(count):
            key, value = (
                heads[i, width + at : width + at + size],
                heads[i, 2 * width + at : 2 * width + at + size],
            )
            for j in range(size):
                keys[j, i] = key[j]
                values[i, j] = value[j]
        for tile in range(tiles):
            begin, end = tile * count // tiles, (tile + 1) * count // tiles
            for first in range(0, count, PANEL):
                _multiply_floats(
                    end - begin,
                    heads,
                    begin * across + at,
                    across,
                    keys,
                    first,
                    stride,
                    size,
                    scores,
                    begin * stride + first,
                    stride,
                )
            for i in range(begin, end):
                row = scores[i]
                highest = _highest(row, count)
                total = _ZERO
                for j in range(count):
                    row[j] = _exp(row[j] - highest)
                    total += row[j]
                scratch.steps[i] = _ONE / total
            _multiply_floats(
                end - begin,
                scores,
                begin * stride,
                stride,
                values,
                0,
                size,
                count,
                scratch.seen,
                begin * width + at,
                width,
            )
            for i in range(begin, end):
                share, seen = scratch.steps[i], scratch.seen[i, at : at + size]
                for j in range(size):
                    seen[j] *= share


@_compiled
def _think(model: Model, layer: int, count: int, scratch: Scratch) -> None:
    """The two wide maps of a layer with GELU between them, BLOCK tokens at a time."""
    stays_apart()
    for begin in range(0, count, BLOCK):
        tokens = min(BLOCK, count - begin)
        states = scratch.states[begin : begin + tokens]
        wide = scratch.wide
        _apply(states, tokens, model.widen, layer, scratch, wide)
        for i in range(tokens):
            row = wide[i]
            for j in range(row.shape[0]):
                row[j] = _gelu(row[j])
        _apply(wide, tokens, model.narrow, layer, scratch, scratch.seen)
        _normalise(states, scratch.seen, tokens, model.narrow_norm, layer)


@_compiled
def encode(count: int, model: Model, scratch: Scratch, vector: Floats) -> None:
    """Write the unit vector (width,) of a text of `count` pieces: the mean of its last states.

    The vectors of the pieces are the first rows of `scratch.states`, and are written over.
    """
    width = vector.shape[0]
    states = scratch.states
    _normalise(states, model.places, count, model.first_norm, 0)
    for layer in range(model.mix.weights.shape[0]):
        _apply(states, count, model.queries_keys_values, layer, scratch, scratch.heads)
        _attend(count, scratch)
        _apply(scratch.seen, count, model.mix, layer, scratch, scratch.seen)
        _normalise(states, scratch.seen, count, model.mix_norm, layer)
        _think(model, layer, count, scratch)
    vector[:] = 0
    for i in range(count):
        for j in range(width):
            vector[j] += states[i, j]
    squares = _ZERO
    for j in range(width):
        squares += vector[j] * vector[j]
    unit = _ONE / np.sqrt(max(squares, _TINY))
    for j in range(width):
        vector[j] *= unit

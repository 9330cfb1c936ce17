"""Three things that Numba cannot be told in Python, told to its code generator (LLVM).

`byte_tile` and `float_tile` multiply a few rows with PANEL columns and hold every sum in a register; they are
called from compiled code as tile(rows, a, a_at, a_step, b, b_at, b_step, steps, c, c_at, c_step), with
positions and distances in words of 32 bits. Row i of `a` (1 to ROWS rows) at step s is one word, which meets
the PANEL words of row s of `b`; c (rows, PANEL) is overwritten. Nothing is checked.

Numba watches only the file that holds a compiled function: whoever changes this one touches `byte_kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from assistant.providers.byte_layout import PANEL, ROWS

_LANES = 16  # numbers of 32 bits in a vector register
_FOUR = 4  # bytes to such a number

_Add = Callable[[ir.IRBuilder, ir.Value, ir.Value, ir.Value], ir.Value]
_Generate = Callable[[BaseContext, ir.IRBuilder, Signature, list[ir.Value]], ir.Value]
_Typed = tuple[Signature, _Generate]


def able() -> bool:
    """Whether this processor has the instruction that makes `byte_tile` worth it."""
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni") and features.get("avx512f"))


def _add_bytes(builder: ir.IRBuilder, total: ir.Value, one: ir.Value, other: ir.Value) -> ir.Value:
    """total + the products of 64 unsigned with 64 signed bytes, four to a sum. It never saturates."""
    signs = ir.VectorType(ir.IntType(8), _FOUR * _LANES)
    kind = ir.FunctionType(total.type, [total.type, signs, signs])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
    return builder.call(function, [total, builder.bitcast(one, signs), builder.bitcast(other, signs)])


def _add_bytes_anywhere(builder: ir.IRBuilder, total: ir.Value, one: ir.Value, other: ir.Value) -> ir.Value:
    """The same in plain vector instructions: several times slower, and good for every processor."""
    count, word = _FOUR * _LANES, ir.IntType(32)
    small, wide = ir.VectorType(ir.IntType(8), count), ir.VectorType(word, count)
    products = builder.mul(
        builder.zext(builder.bitcast(one, small), wide), builder.sext(builder.bitcast(other, small), wide)
    )
    lanes = ir.VectorType(word, _LANES)
    for first in range(_FOUR):
        places = ir.Constant(lanes, list(range(first, count, _FOUR)))
        total = builder.add(total, builder.shuffle_vector(products, ir.Constant(wide, ir.Undefined), places))
    return total


def _add_floats(builder: ir.IRBuilder, total: ir.Value, one: ir.Value, other: ir.Value) -> ir.Value:
    """total + the sixteen products, rounded once."""
    kind = ir.FunctionType(total.type, [total.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v16f32")
    factors = [builder.bitcast(one, total.type), builder.bitcast(other, total.type)]
    return builder.call(function, [*factors, total])


class _Given(NamedTuple):
    """The values of a call that are known when it runs: positions and distances in words of 32 bits."""

    rows: ir.Value
    a: ir.Value
    a_at: ir.Value
    a_step: ir.Value
    b: ir.Value
    b_at: ir.Value
    b_step: ir.Value
    steps: ir.Value
    c: ir.Value
    c_at: ir.Value
    c_step: ir.Value


def _rows_into(builder: ir.IRBuilder, starts: list[ir.Value], given: _Given, rows: int, add: _Add) -> None:
    """Code that multiplies `rows` rows with PANEL columns and holds every sum in a register."""
    a_start, b_start, c_start = starts
    word, number = ir.IntType(32), given.steps.type
    words, vector = ir.VectorType(word, _LANES), ir.VectorType(c_start.type.pointee, _LANES)
    halves = range(PANEL // _LANES)
    sums = [[cgutils.alloca_once(builder, vector) for _ in halves] for _ in range(rows)]
    for cell in [cell for row in sums for cell in row]:
        builder.store(ir.Constant(vector, None), cell)
    every, blank = ir.Constant(words, None), ir.Constant(words, ir.Undefined)

    def at(start: ir.Value, step: ir.Value, row: int, more: ir.Value, kind: ir.Type) -> ir.Value:
        place = builder.add(builder.mul(step, ir.Constant(number, row)), more)
        return builder.bitcast(builder.gep(start, [place]), kind.as_pointer())

    with cgutils.for_range(builder, given.steps) as loop:
        behind = builder.mul(loop.index, given.b_step)
        columns = []
        for half in halves:
            place = builder.add(behind, ir.Constant(number, half * _LANES))
            pointer = builder.bitcast(builder.gep(b_start, [place]), words.as_pointer())
            columns.append(builder.load(pointer, align=4))
        for row in range(rows):
            single = builder.load(at(a_start, given.a_step, row, loop.index, word), align=4)
            first = builder.insert_element(blank, single, ir.Constant(word, 0))
            one = builder.shuffle_vector(first, blank, every)
            for half in halves:
                cell = sums[row][half]
                builder.store(add(builder, builder.load(cell), one, columns[half]), cell)
    for row in range(rows):
        for half in halves:
            place = at(c_start, given.c_step, row, ir.Constant(number, half * _LANES), vector)
            builder.store(builder.load(sums[row][half]), place, align=4)


def _generating(kind: ir.Type, add: _Add) -> _Generate:
    """Code for each number of rows, and the choice between them. `kind` is that of a sum."""

    def generate(
        context: BaseContext, builder: ir.IRBuilder, signature: Signature, values: list[ir.Value]
    ) -> ir.Value:
        # Not unrolled: two steps at once do not fit the registers, and what spills onto the stack costs up to
        # twice the time, depending on where the stack of the process happens to lie.
        builder.function.attributes.add("noinline")
        builder.function.attributes.add("optsize")
        given = _Given(*values)

        def start(which: int, element: ir.Type) -> ir.Value:
            array = context.make_array(signature.args[which])(context, builder, values[which])
            return builder.gep(builder.bitcast(array.data, element.as_pointer()), [values[which + 1]])

        starts = [start(1, ir.IntType(32)), start(4, ir.IntType(32)), start(8, kind)]
        end = builder.append_basic_block("end")
        choice = builder.switch(given.rows, end)
        for rows in range(1, ROWS + 1):
            block = builder.append_basic_block(f"rows{rows}")
            choice.add_case(ir.Constant(given.rows.type, rows), block)
            builder.position_at_end(block)
            _rows_into(builder, starts, given, rows, add)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return generate


def _tile(generate: _Generate) -> Callable[..., None]:
    def tile(  # noqa: PLR0913, PLR0917 - Numba counts the arguments
        _context: BaseContext,
        rows: types.Type,
        a: types.Type,
        a_at: types.Type,
        a_step: types.Type,
        b: types.Type,
        b_at: types.Type,
        b_step: types.Type,
        steps: types.Type,
        c: types.Type,
        c_at: types.Type,
        c_step: types.Type,
    ) -> _Typed:
        return types.void(rows, a, a_at, a_step, b, b_at, b_step, steps, c, c_at, c_step), generate

    return cast(Callable[..., None], intrinsic(tile))


def _as_float(_context: BaseContext, _bits: types.Type) -> _Typed:
    """The float32 with these 32 bits."""

    def generate(
        _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, values: list[ir.Value]
    ) -> ir.Value:
        return builder.bitcast(values[0], ir.FloatType())

    return types.float32(types.int32), generate


def _stays_apart(_context: BaseContext) -> _Typed:
    """Keeps the function that calls this from being copied into its callers.

    There the compiler could no longer see that arrays do not overlap, and its loops were a fifth slower.
    """

    def generate(
        context: BaseContext, builder: ir.IRBuilder, _signature: Signature, _values: list[ir.Value]
    ) -> ir.Value:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


plain_byte_tile = _tile(_generating(ir.IntType(32), _add_bytes_anywhere))
byte_tile = _tile(_generating(ir.IntType(32), _add_bytes)) if able() else plain_byte_tile
float_tile = _tile(_generating(ir.FloatType(), _add_floats))
as_float = cast(Callable[[np.int32], np.float32], intrinsic(_as_float))
stays_apart = cast(Callable[[], None], intrinsic(_stays_apart))

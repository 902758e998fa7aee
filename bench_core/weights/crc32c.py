"""CRC-32C, the checksum of Castagnoli (RFC 3720, appendix B.4), fast enough for files of weights.

The register after a byte is a linear map of the register before it, plus a term of that byte alone. So the terms of
all bytes are looked up at once and then merged pairwise, the left one of each pair moved on by as many bytes as the
right one stands for: log2 of the length steps on whole arrays take the place of one step for each byte.
"""

import numpy as np
import numpy.typing as npt

Registers = npt.NDArray[np.uint32]

POLYNOMIAL = np.uint32(0x82F63B78)
ONE, BYTE = np.uint32(1), np.uint32(0xFF)
CHUNK = 1 << 22
"""Bytes that are held as registers at a time."""


def crc32c(data: bytes) -> int:
    """The checksum of some bytes."""
    register = np.array([0xFFFFFFFF], np.uint32)
    for start in range(0, len(data), CHUNK):
        terms = _OF_BYTE[np.frombuffer(data, np.uint8, min(CHUNK, len(data) - start), start)]
        register = _merged(np.concatenate([register, terms]))
    return int(register[0]) ^ 0xFFFFFFFF


def _merged(registers: Registers) -> Registers:
    """What consecutive stretches of equal length come to; only the first, which moves nothing, may stand for more."""
    step = _ONE_BYTE
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _apply(step, registers[0::2]) ^ registers[1::2]
        step = _apply(step, step)
    return registers


def _apply(linear: Registers, registers: Registers) -> Registers:
    """A linear map, given by its values for each byte at each of four places."""
    result = np.zeros_like(registers)
    for place, values in enumerate(linear):
        result ^= values[registers >> np.uint32(8 * place) & BYTE]
    return result


def _of_byte() -> Registers:
    registers = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        registers = registers >> ONE ^ POLYNOMIAL * (registers & ONE)
    return registers


_OF_BYTE = _of_byte()
_EACH_BYTE = np.stack([np.arange(256, dtype=np.uint32) << np.uint32(8 * place) for place in range(4)])
_ONE_BYTE = _OF_BYTE[_EACH_BYTE & BYTE] ^ _EACH_BYTE >> np.uint32(8)

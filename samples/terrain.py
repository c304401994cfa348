"""Let a landscape wear down: hillslope diffusion on a real elevation model.

Run it on any number of ranks:

    mpiexec -n 4 python3 samples/terrain.py --checkpoints run/ckpt --result run/result.h5

Each rank holds one block of the map with a border of one cell, the halo, which it exchanges with
its neighbours before every step. Every few steps all ranks save a checkpoint together. Started
again, on as many ranks as you like, the job goes on from the newest checkpoint that is whole.

The equation is dz/dt = D (d2z/dx2 + d2z/dy2): soil creeps downhill, crests round off, gullies
fill. Each cell is computed from the same five numbers in the same order whatever the blocks are,
so the result does not depend on the number of ranks, not even in the last bit.
"""

import argparse
import os
from collections.abc import Sequence

import numpy as np
from landscape import DEM, read_map
from numpy.typing import NDArray

import collio
from collio import MPI


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dem", default=DEM, help="elevation model (.npz with 'elevation')")
    parser.add_argument("--refine", type=int, default=4, help="cells per cell of the model, each way")
    parser.add_argument("--steps", type=int, default=600, help="time steps in all")
    parser.add_argument("--every", type=int, default=50, help="steps from one checkpoint to the next")
    parser.add_argument("--checkpoints", default="terrain-checkpoints", help="directory")
    parser.add_argument("--result", default="terrain.h5", help="HDF5 file")
    return parser.parse_args()


class Block:
    """This rank's part of the map, with a halo of one cell on each side."""

    def __init__(self, comm: MPI.Intracomm, shape: Sequence[int]) -> None:
        self.cart = comm.Create_cart(MPI.Compute_dims(comm.size, 2))
        self.shape = shape
        self.low: list[int] = []
        self.high: list[int] = []
        for n, parts, at in zip(shape, self.cart.dims, self.cart.coords):
            self.low.append(n * at // parts)
            self.high.append(n * (at + 1) // parts)
        self.z = np.zeros([high - low + 2 for low, high in zip(self.low, self.high)])
        self.inner = self.z[1:-1, 1:-1]
        self.where = tuple(slice(low, high) for low, high in zip(self.low, self.high))

    def exchange(self) -> None:
        """Fill the halo from the neighbours, or at the border of the map from the cells beside it."""
        for axis in (0, 1):
            lines = np.moveaxis(self.z, axis, 0)
            before, after = self.cart.Shift(axis, 1)
            self.shift(lines, send=1, to=before, halo=-1, beside=-2, source=after)
            self.shift(lines, send=-2, to=after, halo=0, beside=1, source=before)

    def shift(self, lines: NDArray[np.float64], send: int, to: int, halo: int, beside: int, source: int) -> None:
        """Send one line, receive the halo; from MPI.PROC_NULL nothing comes."""
        received = lines[beside].copy()
        self.cart.Sendrecv(np.ascontiguousarray(lines[send]), dest=to, recvbuf=received, source=source)
        lines[halo] = received

    def step(self, diffusion: float) -> None:
        self.exchange()
        z = self.z
        around = z[:-2, 1:-1] + z[2:, 1:-1] + z[1:-1, :-2] + z[1:-1, 2:]
        self.inner += diffusion * (around - 4.0 * self.inner)


def start(checkpoints: collio.Checkpoint, block: Block, options: argparse.Namespace) -> int:
    """Fill the block from the newest whole checkpoint, or from the elevation model; the step."""
    comm = block.cart
    try:
        state = checkpoints.restore()
    except collio.NoCheckpointError:
        z = comm.bcast(read_map(options.dem, options.refine) if comm.rank == 0 else None)
        block.inner[...] = z[block.where]
        return 0
    block.inner[...] = state.read("elevation", offset=block.low, shape=block.inner.shape)
    return state.step


def save_result(block: Block, options: argparse.Namespace) -> None:
    with collio.File(options.result, "w", comm=block.cart) as f:
        elevation = f.create_dataset("elevation", shape=block.shape, dtype="f8")
        elevation[block.where] = block.inner
        elevation.attrs["units"] = "m"
        f.attrs["steps"] = options.steps


def main() -> None:
    options = arguments()
    comm = MPI.COMM_WORLD
    with np.load(options.dem) as dem:
        block = Block(comm, [n * options.refine for n in dem["elevation"].shape])

    def say(text: str) -> None:
        if comm.rank == 0:
            print(text, flush=True)

    say(f"{comm.size} ranks, {block.cart.dims[0]} x {block.cart.dims[1]} blocks of a map of "
        f"{block.shape[0]} x {block.shape[1]} cells; processes {comm.gather(os.getpid())}")
    with collio.Checkpoint(options.checkpoints, comm=comm, keep=3) as checkpoints:
        first = start(checkpoints, block, options)
        say(f"starting from {'checkpoint ' + str(first) if first else 'the elevation model'}")
        for step in range(first + 1, options.steps + 1):
            block.step(diffusion=0.2)
            if step % options.every == 0:
                checkpoints.save(step, elevation=collio.Part(block.inner, shape=block.shape, offset=block.low))
                say(f"step {step} of {options.steps}, checkpoint saved")
    save_result(block, options)
    say(f"result in {options.result}")


if __name__ == "__main__":
    main()
